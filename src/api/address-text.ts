// A single IP address as a field of a configuration object.
import * as z from 'zod/mini';
import { parseAddress } from '../model/address.ts';
import { type FieldRule, ruled } from './published.ts';

/** As `isIP` of the API server has it: IPv4 dressed as IPv6 (RFC 4291 §2.5.5) is none either. */
function isAddress(text: string): boolean {
  const address = parseAddress(text);
  return address !== undefined && !(address.family === 'IPv6' && address.value >> 32n === 0xffffn);
}

const addressRule: FieldRule<string> = {
  message: 'This must be an IP address, such as 192.0.2.1 or 2001:db8::1: correct it.',
  cel: "self == '' || isIP(self)",
  holds: (text) => text === '' || isAddress(text),
};

/** As clients write unset fields, empty is as good as absent. */
export const addressText = ruled(z.string().check(z.maxLength(64)), [addressRule]);

export const ipv4Text = ruled(z.string().check(z.maxLength(15)), [
  {
    message: 'This must be an IPv4 address, such as 192.0.2.1: correct it.',
    cel: "self == '' || (isIP(self) && !self.contains(':'))",
    holds: (text) => text === '' || parseAddress(text)?.family === 'IPv4',
  },
]);
