// Drawing one of N endpoints by chains that are the same for every Service: one for each power of two.
//
// An expression that draws a number has its bound fixed in its rule. A frontend with N endpoints goes to the chain of
// the next power of two, which draws a slot below that and, where there is none (N is less), draws again, five times;
// then one below half of it, where there always is one. It comes to that in less than 3 % of cases, so no endpoint gets
// 3 % less than its share.
import { load } from './expression.ts';
import { type FamilyLayout, loadFrontend } from './family.ts';
import type { Expression } from './operation.ts';
import { type Side, setNames } from './sets.ts';

const sizes: readonly number[] = Array.from({ length: 17 }, (_, bits) => 1 << bits);

/** Of a frontend's endpoints no more than so many are used. */
export const maximumEndpoints = 1 << 16;

/** The chain that draws among 1–65,536 endpoints. */
export const pickChain = (of: FamilyLayout, side: Side, endpoints: number): string =>
  chainOfSize(of, side, 1 << (32 - Math.clz32(endpoints - 1)));

const chainOfSize = (of: FamilyLayout, side: Side, size: number): string =>
  `${side}${of.suffix}-pick-${size}`;

export const pickChains = (of: FamilyLayout, side: Side) =>
  sizes.map((size) => ({ name: chainOfSize(of, side, size), rules: pickRules(of, side, size) }));

const draws = 5;

function pickRules(of: FamilyLayout, side: Side, size: number): readonly (readonly Expression[])[] {
  const bounds = size <= 2 ? [size] : [...Array<number>(draws).fill(size), size / 2];
  const frontend = 0;
  const slot = of.addressWords + 2;
  const endpoint = 8;
  return bounds.map((modulus) => [
    ...loadFrontend(of, frontend),
    { op: 'random', modulus, to: slot },
    load(setNames(of.family)[`${side}Endpoints`], frontend, endpoint),
    { op: 'destination-nat', family: of.family, address: endpoint, port: endpoint + of.addressWords },
  ]);
}
