// A source that remembers: while the real one cannot tell what there is, that stands which it told an earlier process.
import { isDeepStrictEqual } from 'node:util';
import { idOf } from '../api/parse-object.ts';
import type { Change } from '../model/world.ts';
import { createSnapshotWriter, readSnapshot } from './snapshot-file.ts';
import type { Source } from './source.ts';

export interface RememberedOptions {
  readonly source: Source;
  readonly file: string;
  /** Of this program: objects of another are in another shape, perhaps. */
  readonly version: string;
  /** How long the source may take before what is remembered stands in. */
  readonly patienceMilliseconds: number;
  readonly tell: (notice: RememberedNotice) => void;
}

/** How it goes, for logs. */
export type RememberedNotice =
  | { readonly kind: 'stands-in'; readonly objects: number }
  /** Without it, who starts while the source is away has nothing to go by. */
  | { readonly kind: 'unwritten' | 'unreadable'; readonly error: unknown };

/** Changes that are handed over at once, before others get their turn. */
const changesAtOnce = 200;

/** Its start resolves when the source's objects, or those that are remembered, were delivered. */
export function rememberedSource(options: RememberedOptions): Source {
  const { source, file, version, tell } = options;
  const writer = createSnapshotWriter({
    path: file,
    version,
    failed: (error) => tell({ kind: 'unwritten', error }),
  });
  let isStopped = false;

  return {
    async start(listener) {
      const { promise: whole, resolve, reject } = Promise.withResolvers<void>();
      /** What the source has told and the listener has not heard yet, by id; undefined: it hears all at once. */
      let held: Map<string, Change> | undefined = new Map();
      /** What stands in for the source. */
      let remembered: ReadonlyMap<string, Change> | undefined;

      const deliver = async (changes: readonly Change[]): Promise<void> => {
        for (let from = 0; from < changes.length && !isStopped; from += changesAtOnce) {
          listener.batch({ changes: changes.slice(from, from + changesAtOnce), complete: false });
          await new Promise((next) => setImmediate(next));
        }
        if (!isStopped) listener.batch({ changes: [], complete: true });
      };

      const standIn = async (): Promise<void> => {
        if (isStopped || held === undefined) return;
        remembered = load(options);
        if (remembered === undefined) return;
        tell({ kind: 'stands-in', objects: remembered.size });
        await deliver([...remembered.values()]);
        resolve();
      };
      let standing: Promise<void> = Promise.resolve();
      const timer = setTimeout(() => {
        standing = standIn();
        standing.catch(reject);
      }, options.patienceMilliseconds);

      const becomeWhole = async (): Promise<void> => {
        clearTimeout(timer);
        await standing;
        for (;;) {
          const told = [...(held?.values() ?? [])];
          held = new Map();
          const news = remembered === undefined ? told : differences(remembered, told);
          remembered = undefined;
          writer.put(told);
          await deliver(news);
          if (held.size === 0) break;
        }
        held = undefined;
        resolve();
      };
      let isWhole = false;

      source
        .start({
          batch({ changes, complete }) {
            if (held === undefined) {
              writer.put(changes);
              listener.batch({ changes, complete });
              return;
            }
            for (const change of changes) held.set(idOf(change), change);
            if (!complete || isWhole) return;
            isWhole = true;
            becomeWhole().catch(reject);
          },
          problems: (problems) => listener.problems(problems),
        })
        .catch(reject);
      await whole;
    },
    async [Symbol.asyncDispose]() {
      isStopped = true;
      await source[Symbol.asyncDispose]();
      writer[Symbol.dispose]();
    },
  };
}

/** What is to be told where the one stood in for the other. */
function differences(remembered: ReadonlyMap<string, Change>, told: readonly Change[]): Change[] {
  const ids = new Set(told.map(idOf));
  const gone = [...remembered].flatMap(([id, change]) =>
    ids.has(id) ? [] : ({ ...change, object: undefined } as Change),
  );
  const news = told.filter(
    (change) => !isDeepStrictEqual(remembered.get(idOf(change))?.object, change.object),
  );
  return [...gone, ...news];
}

/** A file that cannot be read is as good as none: there is still the source to wait for. */
function load({ file, version, tell }: RememberedOptions): ReadonlyMap<string, Change> | undefined {
  try {
    return readSnapshot(file, version);
  } catch (error) {
    tell({ kind: 'unreadable', error });
    return undefined;
  }
}
