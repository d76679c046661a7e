// What breaks the chain between planners: between a plan and what was written, answered and reported.
import { formatProblem, type ObjectProblem } from '../../model/problem.ts';
import { type Sentences, sentence } from '../../model/reason.ts';

export type WhyReason =
  | {
      readonly kind: 'service-not-found';
      readonly service: string;
      /** A Service of a similar name. */
      readonly meant: string | undefined;
    }
  | { readonly kind: 'service-set-aside'; readonly problem: ObjectProblem }
  | { readonly kind: 'service-outdated'; readonly problem: ObjectProblem }
  | { readonly kind: 'address-not-written'; readonly addresses: string }
  | { readonly kind: 'address-outdated'; readonly addresses: string; readonly written: string }
  | { readonly kind: 'no-live-candidate'; readonly candidates: string }
  | { readonly kind: 'no-agent' }
  | { readonly kind: 'nobody-answers'; readonly addresses: string; readonly wanted: string }
  | { readonly kind: 'owner-dead'; readonly node: string }
  | { readonly kind: 'several-owners'; readonly nodes: string; readonly addresses: string }
  | { readonly kind: 'agent-silent'; readonly node: string; readonly seconds: number | undefined }
  | { readonly kind: 'pulse-not-connected'; readonly node: string }
  | { readonly kind: 'data-plane-failing'; readonly node: string; readonly error: string }
  | { readonly kind: 'forwarded-by-others'; readonly node: string };

const sentences: Sentences<WhyReason> = {
  'service-not-found': ({ service, meant }) =>
    `There is no Service ${service}; ${meant === undefined ? 'see gantry status for those that there are' : `did you mean ${meant}?`}`,
  'service-set-aside': ({ problem }) =>
    `The Service is set aside because of an error in it: ${formatProblem(problem)}`,
  'service-outdated': ({ problem }) =>
    `The Service's newest version has an error, and the last accepted one is in force: ${formatProblem(problem)}`,
  'address-not-written': ({ addresses }) =>
    `It is to have ${addresses}, but no controller has said so; start gantry controller, or look into its log.`,
  'address-outdated': ({ addresses, written }) =>
    `It has ${written} and is to have ${addresses} instead, but no controller has said so; start gantry controller, or look into its log.`,
  'no-live-candidate': ({ candidates }) =>
    `No candidate is alive (${candidates}); bring one of these nodes back, or let others announce.`,
  'no-agent': () => 'No node reports; start gantry agent on the nodes, or gantry standalone on this one.',
  'nobody-answers': ({ addresses, wanted }) =>
    `No node answers for ${addresses}, though ${wanted} should; if this lasts longer than a second, look into the log of pulse on ${wanted}.`,
  'owner-dead': ({ node }) =>
    `The last that answered was ${node}, which is dead, and no other has taken over; start gantry agent on another candidate.`,
  'several-owners': ({ nodes, addresses }) =>
    `${nodes} all say that they answer for ${addresses}; if this lasts longer than a second, check that heartbeats (UDP) pass between them.`,
  'agent-silent': ({ node, seconds }) =>
    `The agent of ${node} has ${seconds === undefined ? 'never reported' : `not reported for ${seconds} s`}, so what follows may be outdated; start gantry agent there, or look into its log.`,
  'pulse-not-connected': ({ node }) =>
    `The agent of ${node} does not reach its pulse, so nothing answers there; start gantry pulse on ${node} with the same --run-dir.`,
  'data-plane-failing': ({ node, error }) =>
    `${node} cannot bring the kernel's forwarding up to date (${error}); look into the agent's log there.`,
  'forwarded-by-others': ({ node }) =>
    `${node} leaves forwarding to another Service proxy (data plane none), which Gantry does not look into; look there if packets are lost.`,
};

/** What is wrong, and what to do about it. */
export const whySentence = (reason: WhyReason): string => sentence(sentences, reason);
