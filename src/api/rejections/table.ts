// For tests: every object that must be refused.
import { advertisementRejections } from './advertisements.ts';
import { peerRejections } from './peers.ts';
import { poolRejections } from './pools.ts';
import { profileRejections } from './profiles.ts';
import type { Rejection } from './rejection.ts';

export const rejections: readonly Rejection[] = [
  ...poolRejections,
  ...advertisementRejections,
  ...peerRejections,
  ...profileRejections,
];
