// Tokens, keys and certificates as they are now: files are read again in time, since others renew them.
import { readFile } from 'node:fs/promises';
import type { Access, Material } from './access.ts';
import type { AccessReason, AccessResult } from './reason.ts';

export interface Materials {
  readonly authority: string | undefined;
  readonly certificate: string | undefined;
  readonly key: string | undefined;
  readonly token: string | undefined;
}

export interface MaterialStore {
  /** As they were at most so long ago. Fails only as long as they could never be read. */
  current(mostMilliseconds: number): Promise<AccessResult<Materials>>;
  /** Why the last reading failed; then what was read before stays in force. */
  readonly failure: AccessReason | undefined;
}

/**
 * A projected token is replaced when 80 % of its life are over (kubelet), ten minutes at least, so once a minute is
 * soon enough; who is refused asks for a new look at once.
 */
export function createMaterialStore(access: Access, now: () => number): MaterialStore {
  let held: Materials | undefined;
  let readAt = Number.NEGATIVE_INFINITY;
  let failure: AccessReason | undefined;
  let reading: Promise<void> | undefined;

  const readAll = async (): Promise<void> => {
    const began = now();
    const files: string[] = [];
    const read = async (material: Material | undefined): Promise<string | undefined> => {
      if (material === undefined || 'text' in material) return material?.text;
      files.push(material.file);
      return readFile(material.file, 'utf8');
    };
    try {
      const fresh = {
        authority: await read(access.authority),
        certificate: await read(access.clientCertificate?.certificate),
        key: await read(access.clientCertificate?.key),
        token: (await read(access.token))?.trim(),
      };
      held = held !== undefined && isSame(held, fresh) ? held : fresh;
      failure = undefined;
    } catch (error) {
      const { code = 'unknown' } = error as NodeJS.ErrnoException; // of readFile
      failure = { kind: 'credentials-unreadable', file: files.at(-1) ?? '', code };
    }
    readAt = began;
  };

  return {
    get failure() {
      return failure;
    },
    async current(mostMilliseconds) {
      if (now() - readAt >= mostMilliseconds || held === undefined) {
        reading ??= readAll().finally(() => {
          reading = undefined;
        });
        await reading;
      }
      if (held !== undefined) return { ok: true, value: held };
      const reason = failure ?? { kind: 'credentials-unreadable', file: '', code: 'unknown' };
      return { ok: false, reason };
    },
  };
}

const isSame = (one: Materials, other: Materials): boolean =>
  isSameTls(one, other) && one.token === other.token;

/** True if connections made with the one are as good as with the other. */
export const isSameTls = (one: Materials, other: Materials): boolean =>
  one.authority === other.authority && one.certificate === other.certificate && one.key === other.key;
