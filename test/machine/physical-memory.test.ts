import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PAGE_SIZE } from '../../src/arch/page-table.ts';
import { PhysicalMemory } from '../../src/machine/index.ts';

const bytes = (frames: number) => new Uint8Array(frames * PAGE_SIZE);

describe('physical memory', () => {
  it('allocates the lowest frames first', () => {
    const memory = new PhysicalMemory(0x100);
    expect(memory.allocateTable().frame).toBe(0x100);
    const first = memory.allocate(bytes(3));
    expect([first.first, memory.allocate(bytes(1)).first]).toEqual([0x101, 0x104]);
    memory.retain(first.first, 3);
    memory.release(first.first + 1, 2);
    expect(memory.extentAt(0x102)).toBe(first);
    memory.release(first.first, 1);
    expect(memory.extentAt(0x102)).toBeUndefined();
    expect(memory.allocate(bytes(2)).first).toBe(0x101);
    expect(memory.allocate(bytes(2)).first).toBe(0x105);
    expect(memory.allocate(bytes(1)).first).toBe(0x103);
  });

  it('aligns, and reuses skipped frames', () => {
    const memory = new PhysicalMemory(0x101);
    expect(memory.allocate(bytes(512), 512, 5).first).toBe(0x205);
    expect(memory.allocate(bytes(0x104)).first).toBe(0x101);
    expect(memory.allocate(bytes(1)).first).toBe(0x405);
  });

  it('has no frames that it did not allocate', () => {
    const memory = new PhysicalMemory(8);
    memory.allocate(bytes(2));
    memory.retain(0, 100);
    memory.release(0xfffffffff, 1);
    expect([memory.extentAt(7), memory.extentAt(10), memory.table(8)]).toEqual([undefined, undefined, undefined]);
  });

  it('never allocates a frame twice, and returns to its initial state', () => {
    const actions = fc.array(
      fc.record({ frames: fc.integer({ min: 1, max: 9 }), free: fc.nat(20), align: fc.boolean() }),
    );
    fc.assert(
      fc.property(actions, (list) => {
        const memory = new PhysicalMemory(3);
        let live: { first: number; frames: number }[] = [];
        for (const { frames, free, align } of list) {
          const made = memory.allocate(bytes(frames), align ? 8 : 1, align ? 2 : 0);
          if (align) expect(made.first % 8).toBe(2);
          for (const other of live) {
            expect(made.first + frames <= other.first || other.first + other.frames <= made.first).toBe(true);
          }
          memory.retain(made.first, frames);
          live.push({ first: made.first, frames });
          const gone = live[free];
          if (gone === undefined) continue;
          memory.release(gone.first, gone.frames);
          live = live.filter((extent) => extent !== gone);
        }
        for (const extent of live) memory.release(extent.first, extent.frames);
        expect(memory.allocate(bytes(1000)).first).toBe(3);
      }),
      { numRuns: 100 },
    );
  });
});
