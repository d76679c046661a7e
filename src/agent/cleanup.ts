// Takes back what an agent leaves behind by design: pulse's answers, the kernel's table, the node's reports.

import { nodeReportKind } from '../api/node-report.ts';
import { serviceBgpStatusName, serviceL2StatusName } from '../api/status.ts';
import type { DataPlane } from '../dataplane/data-plane.ts';
import type { ServiceKey } from '../model/service.ts';
import type { StatusPort } from '../model/status.ts';
import type { ConnectPulse } from './pulse-connection.ts';

export type PulseEnd = 'stopped' | 'not-running' | 'no-answer';

/** Asks pulse to hand its addresses over and to stop. */
export function stopPulse(connect: ConnectPulse, timeoutMilliseconds = 5000): Promise<PulseEnd> {
  return new Promise((resolve) => {
    let isConnected = false;
    const settle = (end: PulseEnd): void => {
      clearTimeout(timer);
      client[Symbol.dispose]();
      resolve(end);
    };
    const timer = setTimeout(() => settle('no-answer'), timeoutMilliseconds);
    const client = connect({
      connected() {
        isConnected = true;
        client.send({ type: 'stop' });
      },
      message: ({ type }) => type === 'stopping' && settle('stopped'),
      disconnected: () => settle(isConnected ? 'stopped' : 'not-running'),
    });
  });
}

/** What the node has reported; all of it is taken back. */
export async function removeReports(
  status: StatusPort,
  node: string,
  services: Readonly<Record<'ServiceL2Status' | 'ServiceBGPStatus', readonly ServiceKey[]>>,
): Promise<void> {
  const removeAll = (kind: keyof typeof services, nameOf: typeof serviceL2StatusName): Promise<void>[] =>
    services[kind].map((service) => {
      const [namespace = '', name = ''] = service.split('/', 2);
      return status.remove(kind, '', nameOf(node, namespace, name));
    });
  const removals = removeAll('ServiceL2Status', serviceL2StatusName);
  removals.push(...removeAll('ServiceBGPStatus', serviceBgpStatusName));
  removals.push(status.remove(nodeReportKind, '', node));
  removals.push(status.remove('ConfigurationState', '', `speaker-${node}`));
  await Promise.all(removals);
}

/** Connections through the table end. */
export async function removeTable(dataPlane: DataPlane): Promise<void> {
  await using plane = dataPlane;
  await plane.cleanup();
}
