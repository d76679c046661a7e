// Events of objects where there is no API to record them: lines of the log.
import type { EventPort } from '../model/status.ts';
import type { Log } from '../observe/log.ts';

export const logEvents = (log: Log): EventPort => ({
  record({ kind, namespace, name, type, reason, message }) {
    const fields = { kind, object: namespace === '' ? name : `${namespace}/${name}`, reason };
    // The message of a warning ends with what to do.
    if (type === 'Warning') log.warn('object-event', { ...fields, next: message });
    else log.info('object-event', { ...fields, message });
  },
});
