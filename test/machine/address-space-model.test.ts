import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PAGE_SIZE, type Permission } from '../../src/arch/page-table.ts';
import { X86_64_PAGE_TABLES as format } from '../../src/arch/x86_64/page-table.ts';
import { AddressSpace, MemoryFault, PhysicalMemory } from '../../src/machine/index.ts';

/** An address space without page tables: permissions and bytes by page. */
interface ModelPage {
  permission: Permission;
  bytes: Uint8Array;
}

/** 2048 pages that straddle four tables of the last level, starting in the middle of one. */
const BASE = 0xffff82d0407c0000n;
const PAGES = 2048;

const permission = fc.record({ write: fc.boolean(), execute: fc.boolean() });
const page = fc.nat(PAGES - 1);
/** Mostly short, sometimes more than a large page. */
const count = fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 1, max: 9 }) }, fc.integer({ min: 500, max: 1100 }));

type Step =
  | { op: 'map'; page: number; count: number; permission: Permission; superpages: boolean; seed: number }
  | { op: 'unmap'; page: number; count: number }
  | { op: 'protect'; page: number; count: number; permission: Permission }
  | { op: 'write'; page: number; offset: number; length: number; seed: number; writeProtect: boolean }
  | { op: 'alias'; page: number; source: number; permission: Permission };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    op: fc.constant('map' as const),
    page: fc.oneof(page, fc.constantFrom(64, 576, 1088)),
    count,
    permission,
    superpages: fc.boolean(),
    seed: fc.nat(255),
  }),
  fc.record({ op: fc.constant('unmap' as const), page, count }),
  fc.record({ op: fc.constant('protect' as const), page, count, permission }),
  fc.record({
    op: fc.constant('write' as const),
    page,
    offset: fc.nat(PAGE_SIZE - 1),
    length: fc.integer({ min: 1, max: 3 * PAGE_SIZE }),
    seed: fc.nat(255),
    writeProtect: fc.boolean(),
  }),
  fc.record({ op: fc.constant('alias' as const), page, source: page, permission }),
);

const addressOf = (pageNumber: number, offset = 0) => BASE + BigInt(pageNumber * PAGE_SIZE + offset);

/** Bytes that differ from page to page. */
function pattern(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i += 512) bytes[i] = (seed + (i >> 12)) & 0xff;
  return bytes;
}

function apply(space: AddressSpace, model: Map<number, ModelPage>, action: Step): void {
  const end = 'count' in action ? Math.min(PAGES, action.page + action.count) : action.page + 1;
  const pages = end - action.page;
  switch (action.op) {
    case 'map': {
      const bytes = pattern(pages * PAGE_SIZE, action.seed);
      space.map(addressOf(action.page), bytes, action.permission, { superpages: action.superpages });
      for (let i = 0; i < pages; i++) {
        const piece = bytes.slice(i * PAGE_SIZE, (i + 1) * PAGE_SIZE);
        model.set(action.page + i, { permission: action.permission, bytes: piece });
      }
      return;
    }
    case 'unmap':
      space.unmap(addressOf(action.page), pages);
      for (let i = action.page; i < end; i++) model.delete(i);
      return;
    case 'protect':
      space.protect(addressOf(action.page), pages, action.permission);
      for (let i = action.page; i < end; i++) {
        const known = model.get(i);
        if (known !== undefined) model.set(i, { ...known, permission: action.permission });
      }
      return;
    case 'alias': {
      const source = model.get(action.source);
      const done = space.alias(addressOf(action.page), addressOf(action.source), 1, action.permission);
      expect(done).toBe(source !== undefined);
      if (source !== undefined) model.set(action.page, { permission: action.permission, bytes: source.bytes });
      return;
    }
    case 'write': {
      const bytes = pattern(action.length, action.seed).fill(action.seed | 1, 0, 3);
      let expected: { address: bigint; errorCode: number } | undefined;
      for (let i = 0; i < bytes.length && expected === undefined; i++) {
        const at = action.page * PAGE_SIZE + action.offset + i;
        const known = model.get(Math.floor(at / PAGE_SIZE));
        if (known !== undefined && (known.permission.write || !action.writeProtect)) {
          known.bytes[at % PAGE_SIZE] = bytes[i] as number;
        } else {
          expected = { address: BASE + BigInt(at), errorCode: known === undefined ? 2 : 3 };
        }
      }
      space.writeProtect = action.writeProtect;
      let fault: unknown;
      try {
        space.write(addressOf(action.page, action.offset), bytes);
      } catch (thrown) {
        fault = thrown instanceof MemoryFault ? thrown.fault : thrown;
      }
      expect(fault).toEqual(expected === undefined ? undefined : { kind: 'page-fault', ...expected });
    }
  }
}

/** The processor's walk, from the SDM's bit positions alone. */
function walkByHand(
  space: AddressSpace,
  address: bigint,
): { write: boolean; execute: boolean; physical: number } | null {
  let frame = 1;
  let write = true;
  let execute = true;
  for (const shift of [39n, 30n, 21n, 12n]) {
    const entry = space.memory.table(frame)?.[Number((address >> shift) & 511n)] ?? 0n;
    if ((entry & 1n) === 0n) return null;
    write &&= (entry & 2n) !== 0n;
    execute &&= entry >> 63n === 0n;
    frame = Number((entry >> 12n) & 0xffffffffffn);
    const large = shift === 21n && (entry & 0x80n) !== 0n;
    if (large) frame += Number((address >> 12n) & 511n);
    if (large || shift === 12n) return { write, execute, physical: frame * PAGE_SIZE + Number(address & 4095n) };
  }
  return null;
}

function compare(space: AddressSpace, model: Map<number, ModelPage>): void {
  const pages: [number, Permission][] = [];
  for (const range of space.mapped()) {
    const first = Number(range.start - BASE) / PAGE_SIZE;
    for (let i = 0; i < range.pages; i++) pages.push([first + i, range.permission]);
  }
  const expected = [...model].sort(([a], [b]) => a - b);
  expect(pages).toEqual(expected.map(([number, known]) => [number, known.permission]));
  for (const [number, known] of expected) {
    const bytes = space.span(addressOf(number), PAGE_SIZE);
    if (bytes === undefined || Buffer.compare(bytes, known.bytes) !== 0) throw new Error(`page ${number} differs`);
    const byHand = walkByHand(space, addressOf(number, 5));
    expect({ write: byHand?.write, execute: byHand?.execute }).toEqual(known.permission);
    const frame = Math.floor((byHand?.physical ?? 0) / PAGE_SIZE);
    const extent = space.memory.extentAt(frame);
    expect(extent?.bytes.buffer).toBe(bytes.buffer);
    expect(bytes.byteOffset).toBe((extent?.bytes.byteOffset ?? 0) + (frame - (extent?.first ?? 0)) * PAGE_SIZE);
  }
}

describe('an address space', () => {
  it('behaves like a map from pages to permissions and bytes', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 14 }), (steps) => {
        const space = new AddressSpace(format, new PhysicalMemory(1));
        const model = new Map<number, ModelPage>();
        for (const action of steps) apply(space, model, action);
        compare(space, model);
      }),
      { numRuns: 80 },
    );
  });

  it('checks every access as the model does', () => {
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 2, maxLength: 6 }),
        fc.array(page, { maxLength: 20 }),
        (steps, probes) => {
          const space = new AddressSpace(format, new PhysicalMemory(1));
          const model = new Map<number, ModelPage>();
          for (const action of steps) apply(space, model, action);
          space.writeProtect = true;
          for (const probe of [...probes, ...steps.map((action) => action.page)]) {
            const known = model.get(probe)?.permission;
            const at = addressOf(probe, 17);
            const present = known === undefined ? 0 : 1;
            const code = (run: () => void, bit: number, allowed: boolean | undefined) => {
              let errorCode: number | undefined;
              try {
                run();
              } catch (fault) {
                if (!(fault instanceof MemoryFault) || fault.fault.kind !== 'page-fault') throw fault;
                expect(fault.fault.address).toBe(at);
                errorCode = fault.fault.errorCode;
              }
              expect(errorCode).toBe(allowed === true ? undefined : bit | present);
            };
            code(() => space.readU8(at), 0, known !== undefined);
            code(() => space.fetch(at), 0x10, known?.execute);
            code(() => space.store(at, space.span(at, 1)?.slice() ?? Uint8Array.of(0)), 2, known?.write);
          }
        },
      ),
      { numRuns: 80 },
    );
  });

  it('keeps its digest and its number of frames after mapping and unmapping elsewhere', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 5 }), fc.array(count, { minLength: 1, maxLength: 6 }), (steps, sizes) => {
        const memory = new PhysicalMemory(1);
        const space = new AddressSpace(format, memory);
        const model = new Map<number, ModelPage>();
        for (const action of steps) apply(space, model, action);
        const before = space.digest();
        const elsewhere = 0xffff82d050000000n;
        const round = () => {
          let at = elsewhere;
          for (const size of sizes) {
            space.map(at, new Uint8Array(size * PAGE_SIZE), { write: true, execute: false });
            space.protect(at, size, { write: false, execute: true });
            at += BigInt((size + 1) * PAGE_SIZE);
          }
          expect(space.digest()).not.toBe(before);
          at = elsewhere;
          for (const size of sizes) {
            space.unmap(at, size);
            at += BigInt((size + 1) * PAGE_SIZE);
          }
          expect(space.digest()).toBe(before);
        };
        round();
        const tables = memory.tableCount;
        const next = memory.allocate(new Uint8Array(PAGE_SIZE)).first;
        memory.retain(next, 1);
        memory.release(next, 1);
        round();
        expect(memory.tableCount).toBe(tables);
        expect(memory.allocate(new Uint8Array(PAGE_SIZE)).first).toBe(next);
      }),
      { numRuns: 25 },
    );
  });
});
