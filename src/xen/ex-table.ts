import { type Address, addOffset, record, u64 } from '../base/index.ts';

/** Entry of x86's `.ex_table`: 8 bytes; each offset is relative to its own field. Source: asm/uaccess.h, 4.7 … 4.22. */
export const EX_TABLE_ENTRY = record('exception_table_entry', { addr: 'i32', cont: 'i32' });

/** A decoded entry. */
export interface ExTableEntry {
  /** The instruction that may fault. */
  readonly addr: Address;
  /** Where execution continues. */
  readonly cont: Address;
}

/** Reads the entry at `offset` of a table at address `base`. */
export function decodeExTableEntry(view: DataView, offset: number, base: Address): ExTableEntry {
  const raw = EX_TABLE_ENTRY.read(view, offset);
  return {
    addr: addOffset(base, offset + EX_TABLE_ENTRY.at.addr + raw.addr),
    cont: addOffset(base, offset + EX_TABLE_ENTRY.at.cont + raw.cont),
  };
}

/** Writes the entry at `offset`; truncates distances above 2 GiB to 32 bits. */
export function encodeExTableEntry(view: DataView, offset: number, base: Address, entry: ExTableEntry): void {
  const relative = (target: Address, at: number): number =>
    Number(BigInt.asIntN(32, u64(target - addOffset(base, offset + at))));
  EX_TABLE_ENTRY.write(view, offset, {
    addr: relative(entry.addr, EX_TABLE_ENTRY.at.addr),
    cont: relative(entry.cont, EX_TABLE_ENTRY.at.cont),
  });
}

/**
 * Sorts a table in place by `addr`, as sort_exception_table does while a payload loads. Uses the heap sort of xen/lib/sort.c and the
 * 32-bit arithmetic of swap_ex, so that entries with equal `addr` end up in Xen's order. Ignores a trailing partial entry.
 */
export function sortExTable(view: DataView): void {
  const size = EX_TABLE_ENTRY.size;
  const count = Math.floor(view.byteLength / size);
  const addr = new Int32Array(count);
  const cont = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    addr[i] = view.getInt32(i * size + EX_TABLE_ENTRY.at.addr, true);
    cont[i] = view.getInt32(i * size + EX_TABLE_ENTRY.at.cont, true);
  }
  heapSort(addr, cont);
  for (let i = 0; i < count; i++) {
    view.setInt32(i * size + EX_TABLE_ENTRY.at.addr, addr[i] as number, true);
    view.setInt32(i * size + EX_TABLE_ENTRY.at.cont, cont[i] as number, true);
  }
}

function heapSort(addr: Int32Array, cont: Int32Array): void {
  const size = EX_TABLE_ENTRY.size;
  /** Returns the address of entry `i`, from the start of the table. */
  const key = (i: number): number => i * size + (addr[i] as number);
  const exchange = (field: Int32Array, a: number, b: number): void => {
    const delta = (b - a) * size;
    const old = field[a] as number;
    field[a] = (field[b] as number) + delta;
    field[b] = old - delta;
  };
  const swap = (a: number, b: number): void => {
    exchange(addr, a, b);
    exchange(cont, a, b);
  };
  /** Moves entry `root` down in the heap of the first `end` entries. */
  const siftDown = (start: number, end: number): void => {
    let root = start;
    for (let child = 2 * root + 1; child < end; child = 2 * root + 1) {
      if (child + 1 < end && key(child) < key(child + 1)) child++;
      if (key(root) >= key(child)) return;
      swap(root, child);
      root = child;
    }
  };
  for (let i = Math.floor(addr.length / 2) - 1; i >= 0; i--) siftDown(i, addr.length);
  for (let i = addr.length - 1; i >= 0; i--) {
    swap(0, i);
    siftDown(0, i);
  }
}
