// Nodes for a folder that has no Node objects: those that report stand in.
import { loneNode } from '../agent/lone-node.ts';
import type { World } from '../model/world.ts';

export const withLoneNodes = (world: World, names: Iterable<string>): World =>
  world.nodes.size > 0
    ? world
    : { ...world, nodes: new Map([...names].map((name) => [name, loneNode(name)])) };
