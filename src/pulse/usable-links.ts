// Which of the host's interfaces this node answers on: those that are up, that the responder could open, and that lead to
// somebody.
import {
  type LinkState,
  type NodeInterface,
  nodeInterfaces,
  sameInterfaces,
} from '../announce/layer2/interfaces.ts';
import type { Log } from '../observe/log.ts';
import { namesOfUp } from './members-report.ts';
import type { Responder, ResponderInterface } from './responder.ts';
import type { Segments } from './segments.ts';

export type HostLink = LinkState & ResponderInterface;

export interface UsableLinksOptions {
  readonly responder: Responder;
  readonly segments: Segments;
  readonly excludedInterfaces: readonly RegExp[];
  readonly log: Log;
  /** Heartbeats do not come by this link, and there are members enough to tell who is cut off on it. */
  readonly isApart: (link: LinkState) => boolean;
  readonly changed: () => void;
  /** Answered on from now on. */
  readonly opened: (names: readonly string[]) => void;
}

export interface UsableLinks {
  /** Those that cannot be answered on are told as down. */
  readonly interfaces: readonly NodeInterface[];
  set(links: readonly HostLink[]): void;
  /** Looks again at the same links: what they lead to may be another. */
  refresh(): void;
  /** Tries again to open what could not be opened. */
  retry(): void;
}

export function createUsableLinks(options: UsableLinksOptions): UsableLinks {
  const { responder, segments, log } = options;
  let links: readonly HostLink[] = [];
  let interfaces: readonly NodeInterface[] = [];
  let unopened = '';

  const warnOf = (notOpened: readonly string[]): void => {
    if (notOpened.length > 0 && notOpened.join() !== unopened) {
      log.warn('interfaces-not-opened', {
        interfaces: notOpened,
        next: 'Let pulse open packet sockets (CAP_NET_RAW), or exclude these interfaces; it tries again each second.',
      });
    }
    unopened = notOpened.join();
  };

  const refresh = (): void => {
    const before = interfaces;
    const usable = nodeInterfaces(links, options.excludedInterfaces);
    const up = namesOfUp(usable);
    const opened = responder.setInterfaces(links.filter(({ name }) => up.includes(name)));
    // A link that cannot be answered on, or that leads to nobody, is as good as down, in this node's elections and in the others'.
    segments.setInterfaces(links.filter((link) => options.isApart(link) && up.includes(link.name)));
    interfaces = usable.map((one) =>
      responder.isOpen(one.name) && !segments.isCut(one.name) ? one : { ...one, up: false },
    );
    warnOf(up.filter((name) => !responder.isOpen(name)));
    if (!sameInterfaces(before, interfaces)) {
      log.info('interfaces', { usable: namesOfUp(interfaces) });
      options.changed();
    }
    if (opened.length > 0) options.opened(opened);
  };

  return {
    get interfaces() {
      return interfaces;
    },
    set(list) {
      links = list;
      refresh();
    },
    refresh,
    retry() {
      if (unopened !== '') refresh();
    },
  };
}
