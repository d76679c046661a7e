// What an agent says, checked before it is believed: one of another version must not bring the pulse down.
import { readBfdToPulse } from './bfd-link-message.ts';
import type { LinkAddress, LinkCandidate, LinkMember, ToPulse } from './link.ts';

/** Undefined for what is none of the link's messages. Fields that are unknown here are left out. */
export function readToPulse(message: object): ToPulse | undefined {
  const fields: Fields = { ...message };
  switch (fields['type']) {
    case 'configure': {
      const { node, members, keyFile } = fields;
      return isText(node) && isListOf(members, isMember) && isText(keyFile)
        ? { type: 'configure', node, members, keyFile }
        : undefined;
    }
    case 'announce': {
      const { replace, upserts, removals, isPartial = false } = fields;
      return typeof replace === 'boolean' &&
        isListOf(upserts, isAddress) &&
        isListOf(removals, isText) &&
        typeof isPartial === 'boolean'
        ? { type: 'announce', replace, upserts, removals, isPartial }
        : undefined;
    }
    case 'drain': {
      const { drain } = fields;
      return typeof drain === 'boolean' ? { type: 'drain', drain } : undefined;
    }
    case 'bgp-routes': {
      const { count } = fields;
      return typeof count === 'number' ? { type: 'bgp-routes', count } : undefined;
    }
    case 'bfd':
      return readBfdToPulse(fields);
    case 'stop':
      return { type: 'stop' };
    case 'succeed': {
      const { format } = fields;
      return typeof format === 'number' ? { type: 'succeed', format } : undefined;
    }
    default:
      return undefined;
  }
}

type Fields = Readonly<Record<string, unknown>>;

const isText = (value: unknown): value is string => typeof value === 'string';

const isListOf = <T>(value: unknown, isOne: (item: unknown) => item is T): value is T[] =>
  Array.isArray(value) && value.every(isOne);

const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null ? { ...value } : {};

function isMember(value: unknown): value is LinkMember {
  const { name, addresses } = fieldsOf(value);
  return isText(name) && isListOf(addresses, isText);
}

function isAddress(value: unknown): value is LinkAddress {
  const { address, candidates } = fieldsOf(value);
  return isText(address) && isListOf(candidates, isCandidate);
}

function isCandidate(value: unknown): value is LinkCandidate {
  const { node, interfaces } = fieldsOf(value);
  return isText(node) && isListOf(interfaces, isText);
}
