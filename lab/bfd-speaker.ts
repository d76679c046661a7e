// A pulse that speaks BFD in the lab, with this process as its agent.
import type { ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BfdFromPulse, LinkBfdProfile, LinkBfdSession, LinkBfdState } from '../src/pulse/bfd-link.ts';
import { connectPulse, pulseSocketPath } from '../src/pulse/client.ts';
import type { Host } from './host.ts';
import type { Lab } from './lab.ts';
import { gantryCommand } from './program.ts';

export type BfdCounters = Extract<BfdFromPulse, { type: 'bfd-counters' }>;

export interface BfdSpeaker extends Disposable {
  readonly process: ChildProcess;
  readonly runDirectory: string;
  /** By the peer's address. */
  stateOf(peer: string): LinkBfdState | undefined;
  /** Every report in which the session's state was another one than before. */
  readonly changes: readonly {
    readonly peer: string;
    readonly state: string;
    readonly at: number;
    readonly report: LinkBfdState;
  }[];
  readonly counters: BfdCounters | undefined;
  want(sessions: readonly LinkBfdSession[]): void;
  /** Ends this process's connection, as an agent's death does. */
  hangUp(): void;
  stop(): void;
}

/** What a fast BFDProfile has. */
export const fastProfile: LinkBfdProfile = {
  receiveIntervalMilliseconds: 50,
  transmitIntervalMilliseconds: 50,
  detectMultiplier: 3,
  echoIntervalMilliseconds: 50,
  echoMode: false,
  passiveMode: false,
  minimumTtl: 254,
};

export const singleHop = (
  peer: string,
  more: Partial<LinkBfdSession> = {},
  profile: Partial<LinkBfdProfile> = {},
): LinkBfdSession => ({ peer, isMultihop: false, ...more, profile: { ...fastProfile, ...profile } });

/** Starts a pulse on the host. With `replaces`, it takes the place of the one before. */
export function startBfdSpeaker(lab: Lab, host: Host, replaces = false): BfdSpeaker {
  const keyFile = join(lab.directory, 'membership.key');
  writeFileSync(keyFile, 'a key of the lab');
  const runDirectory = join(lab.directory, `run-${host.name}`);
  const args = replaces ? ['--replace'] : [];
  // As a service it has a session of its own.
  const process = host.spawn(['setsid', ...gantryCommand('pulse', '--run-dir', runDirectory, ...args)], {
    log: `${host.name}-pulse`,
  });
  const states = new Map<string, LinkBfdState>();
  const changes: { peer: string; state: string; at: number; report: LinkBfdState }[] = [];
  let counters: BfdCounters | undefined;
  let wanted: readonly LinkBfdSession[] | undefined;
  const told = (): void => {
    if (wanted !== undefined) client.send({ type: 'bfd', sessions: wanted });
  };
  const client = connectPulse(pulseSocketPath(runDirectory), {
    connected() {
      client.send({
        type: 'configure',
        node: host.name,
        members: [{ name: host.name, addresses: [] }],
        keyFile,
      });
      told();
    },
    message(message) {
      if (message.type === 'bfd-counters') counters = message;
      if (message.type !== 'bfd') return;
      for (const key of message.removals) states.delete(key);
      for (const report of message.upserts) {
        if (states.get(report.key)?.state !== report.state)
          changes.push({ peer: report.peer, state: report.state, at: performance.now(), report });
        states.set(report.key, report);
      }
    },
    disconnected: () => {},
  });
  return {
    process,
    runDirectory,
    changes,
    get counters() {
      return counters;
    },
    stateOf: (peer) => [...states.values()].find((one) => one.peer === peer),
    want(sessions) {
      wanted = sessions;
      told();
    },
    hangUp: () => client[Symbol.dispose](),
    stop: () => client.send({ type: 'stop' }),
    [Symbol.dispose]: () => client[Symbol.dispose](),
  };
}
