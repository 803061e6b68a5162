import { describe, expect, it } from 'vitest';
import { IMPORTS } from './imports.ts';
import { ROOMS_HERE } from './tree.ts';

/**
 * Returns the strongly connected components of two nodes and more, and nodes with an edge to themselves: each sorted, in the order of
 * their first names. Algorithm: Tarjan, "Depth-first search and linear graph algorithms".
 */
function circlesIn(edges: readonly (readonly [from: string, to: string])[]): string[][] {
  const successors = new Map<string, string[]>();
  for (const [from, to] of edges) successors.set(from, [...(successors.get(from) ?? []), to]);
  const index = new Map<string, number>();
  const stack: string[] = [];
  const circles: string[][] = [];
  /** Returns the lowest index on the stack that can be reached from a node. */
  const visit = (node: string): number => {
    const own = index.size;
    let lowest = own;
    index.set(node, own);
    stack.push(node);
    const next = successors.get(node) ?? [];
    for (const to of next) {
      if (!index.has(to)) lowest = Math.min(lowest, visit(to));
      else if (stack.includes(to)) lowest = Math.min(lowest, index.get(to) as number);
    }
    if (lowest < own) return lowest;
    const circle = stack.splice(stack.lastIndexOf(node));
    if (circle.length > 1 || next.includes(node)) circles.push(circle.sort());
    return lowest;
  };
  for (const [from] of edges) if (!index.has(from)) visit(from);
  return circles.sort(([a = ''], [b = '']) => (a < b ? -1 : 1));
}

const edges = (text: string) => text.split(' ').map((pair) => pair.split('>') as [string, string]);

describe('circles in a graph', () => {
  it('are named with all their members', () => {
    expect(circlesIn(edges('a>b b>c c>a c>d d>e'))).toEqual([['a', 'b', 'c']]);
    expect(circlesIn(edges('a>b b>a c>d d>e e>d'))).toEqual([
      ['a', 'b'],
      ['d', 'e'],
    ]);
    expect(circlesIn(edges('a>b b>c c>b c>d d>c'))).toEqual([['b', 'c', 'd']]);
    expect(circlesIn(edges('a>a'))).toEqual([['a']]);
  });

  it('are absent where two paths only meet again', () => {
    expect(circlesIn(edges('a>b a>c b>d c>d d>e'))).toEqual([]);
  });
});

describe('imports, of types too, make no circle', () => {
  it.each(ROOMS_HERE)('in %s', (room) => {
    const inRoom = (path: string | undefined): path is string => path?.startsWith(`src/${room}/`) ?? false;
    const inside = IMPORTS.flatMap(({ file, target }) =>
      inRoom(file) && inRoom(target) ? [[file, target] as const] : [],
    );
    expect(circlesIn(inside)).toEqual([]);
  });
});
