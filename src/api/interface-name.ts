// Names of network interfaces, as fields of configuration objects.
import * as z from 'zod/mini';
import { ruled } from './published.ts';

const plain = '[^\\s/:.]';
const any = '[^\\s/:]';

/**
 * As the kernel has it (dev_valid_name): at most 15 bytes, no white space, "/" or ":", and neither "." nor "..".
 * Written without looking ahead, since the API server reads it too (RE2).
 */
const pattern = `${plain}${any}{0,14}|\\.${plain}${any}{0,13}|\\.\\.${any}{1,13}`;

const rule = 'An interface name has 1 to 15 characters, without white space, "/" or ":", such as eth0.';

export const interfaceName = z.string().check(z.regex(new RegExp(`^(?:${pattern})$`), rule));

/** Where clients write an unset field, empty is as good as absent. */
export const optionalInterfaceName = ruled(z.string().check(z.maxLength(15)), [
  {
    message: rule,
    cel: `self.matches('^(?:${pattern.replaceAll('\\', '\\\\')})?$')`,
    holds: (text) => text === '' || new RegExp(`^(?:${pattern})$`).test(text),
  },
]);
