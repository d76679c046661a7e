// What one start of a pulse leaves to the next: which start it was, whose majority decides, and whether it is drained.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Configuration, Electorate } from '../announce/membership/electorate.ts';
import type { Log } from '../observe/log.ts';

export interface Remembered {
  readonly node: string;
  readonly bootId: bigint;
  readonly electorate: Electorate | undefined;
  readonly isDraining: boolean;
}

export interface Memory {
  /** Undefined where there is nothing of this node. */
  recall(node: string): Remembered | undefined;
  /** On return it outlives this process. */
  keep(remembered: Remembered): void;
}

/** A file; one that cannot be written costs no more than what it is for, and is told of once. */
export function fileMemory(path: string, log: Log): Memory {
  let isTold = false;
  return {
    recall(node) {
      try {
        const kept = readRemembered(JSON.parse(readFileSync(path, 'utf8')));
        return kept?.node === node ? kept : undefined;
      } catch {
        return undefined;
      }
    },
    keep({ node, bootId, electorate, isDraining }) {
      try {
        writeFileSync(
          `${path}.new`,
          JSON.stringify({ node, bootId: String(bootId), electorate, isDraining }),
        );
        renameSync(`${path}.new`, path);
      } catch (error) {
        if (!isTold) {
          log.warn('memory-not-kept', {
            file: path,
            error,
            next: 'Let pulse write there: a start after this one must know what was agreed on.',
          });
        }
        isTold = true;
      }
    },
  };
}

function readRemembered(value: unknown): Remembered | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { node, bootId, electorate, isDraining }: Record<string, unknown> = { ...value };
  if (typeof node !== 'string' || typeof bootId !== 'string' || !/^\d{1,19}$/.test(bootId)) return undefined;
  const isWhole = Array.isArray(electorate) && electorate.length > 0 && electorate.every(isConfiguration);
  return {
    node,
    bootId: BigInt(bootId),
    electorate: isWhole ? electorate : undefined,
    isDraining: isDraining === true,
  };
}

function isConfiguration(value: unknown): value is Configuration {
  if (typeof value !== 'object' || value === null) return false;
  const { epoch, members }: Record<string, unknown> = { ...value };
  const areNames = Array.isArray(members) && members.every((name) => typeof name === 'string');
  return Number.isInteger(epoch) && areNames && members.length > 0;
}
