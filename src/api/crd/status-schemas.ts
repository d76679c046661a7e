// The status of each kind that has one, as CustomResourceDefinitions describe it. `status.ts` writes them.
import * as z from 'zod/mini';
import { described, immutable } from '../published.ts';

const count = (description: string) => described(z.optional(z.int()), description);

export const poolStatusSchema = described(
  z.strictObject({
    assignedIPv4: count('How many IPv4 addresses Services have.'),
    assignedIPv6: count('How many IPv6 addresses Services have.'),
    availableIPv4: count('How many IPv4 addresses can still be given.'),
    availableIPv6: count(
      'How many IPv6 addresses can still be given; 9007199254740991 stands for more as well.',
    ),
  }),
  'How much of the pool is in use.',
);

const fixed = (description: string) =>
  described(z.optional(z.string()), description, immutable('This names what the status is about: it stays.'));

const aboutService = {
  node: fixed('The name of the node.'),
  serviceName: fixed('The name of the Service.'),
  serviceNamespace: fixed('The namespace of the Service.'),
};

export const serviceL2StatusSchema = described(
  z.strictObject({
    ...aboutService,
    interfaces: described(
      z.optional(
        z.array(z.strictObject({ name: described(z.optional(z.string()), 'The name of the interface.') })),
      ),
      'The network interfaces on which the node answers.',
    ),
  }),
  'The node that answers for the addresses of the Service, as it was read back from that node.',
);

export const serviceBgpStatusSchema = described(
  z.strictObject({
    ...aboutService,
    peers: described(z.optional(z.array(z.string())), 'The names of the BGPPeers that were told.'),
  }),
  'The peers to which the node advertises the addresses of the Service.',
);

const condition = z.strictObject({
  type: described(z.string().check(z.maxLength(316)), 'What the condition is about.'),
  status: described(z.enum(['True', 'False', 'Unknown']), 'Whether it holds.'),
  observedGeneration: described(z.optional(z.int()), 'The generation of the object that was looked at.'),
  lastTransitionTime: described(z.iso.datetime(), 'When the status last changed.'),
  reason: described(z.string().check(z.minLength(1), z.maxLength(1024)), 'Why, in one word for programs.'),
  message: described(z.string().check(z.maxLength(32_768)), 'Why, for people.'),
});

export const configurationStateSchema = described(
  z.strictObject({
    result: described(
      z.optional(z.enum(['Valid', 'Invalid', 'Unknown'])),
      'Valid: every object is in force. Invalid: some are set aside. Unknown: the configuration has not been read yet.',
    ),
    errorSummary: described(
      z.optional(z.string()),
      'The objects that are set aside, a line each: which, which field, its value, and the rule that it breaks.',
    ),
    conditions: described(
      z.optional(z.array(condition)),
      'The same, for programs that wait for a condition.',
      { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] },
    ),
  }),
  'What became of the configuration in one component.',
);
