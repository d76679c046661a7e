// ROUTE-REFRESH messages (RFC 2918), which also mark a refresh's beginning and end (RFC 7313 §3.2).
import type { AfiSafi } from './address-family.ts';
import { number16 } from './bytes.ts';

export interface RouteRefresh extends AfiSafi {
  readonly kind: 'route-refresh';
  /** 0: a request; 1: BoRR; 2: EoRR; any other is to be ignored (RFC 7313 §5). */
  readonly subtype: number;
}

export const refreshSubtype = { request: 0, begin: 1, end: 2 } as const;

/** Reads a body of 4 bytes. */
export const readRouteRefresh = (body: Uint8Array): RouteRefresh => ({
  kind: 'route-refresh',
  afi: number16(body, 0),
  subtype: body[2] ?? 0,
  safi: body[3] ?? 0,
});

export const routeRefreshBody = ({ afi, subtype, safi }: RouteRefresh): Uint8Array =>
  Uint8Array.of(afi >>> 8, afi, subtype, safi);
