import type { AddressSpace, MappedPiece } from '../machine/index.ts';
import { type Engine, UC_PROT, type Unicorn } from './unicorn.ts';

/** A piece of memory mapped in the engine. */
interface Mirrored {
  readonly piece: MappedPiece;
  readonly permission: number;
}

/**
 * Maps the machine's address space into an engine: same bytes, same permissions. Updates it before a run, and makes the engine drop
 * translations of code that changed; it would otherwise keep running the old code.
 */
export class MemoryMirror {
  readonly #unicorn: Unicorn;
  readonly #engine: Engine;
  readonly #space: AddressSpace;
  /** By start address. Keeps the bytes alive, which the engine uses in place. */
  #mirrored = new Map<bigint, Mirrored>();
  /** Writable pieces that are also mapped as code, there or elsewhere. */
  #writableCode: readonly MappedPiece[] = [];
  #generation = -1;
  #writeProtect = true;
  readonly #stopWatching: () => void;

  constructor(unicorn: Unicorn, engine: Engine, space: AddressSpace) {
    this.#unicorn = unicorn;
    this.#engine = engine;
    this.#space = space;
    this.#stopWatching = space.watchWrites((bytes, offset, length) => this.#written(bytes, offset, length));
  }

  /** Applies changes of the page tables. */
  update(): void {
    const { generation, writeProtect } = this.#space;
    if (generation === this.#generation && writeProtect === this.#writeProtect) return;
    const wanted = new Map<bigint, Mirrored>();
    for (const piece of this.#space.pieces()) {
      const { write, execute } = piece.permission;
      const permission = UC_PROT.read | (write || !writeProtect ? UC_PROT.write : 0) | (execute ? UC_PROT.exec : 0);
      wanted.set(piece.start, { piece, permission });
    }
    for (const [start, old] of this.#mirrored) {
      const now = wanted.get(start);
      if (now === undefined || !sameBytes(old.piece.bytes, now.piece.bytes)) this.#unmap(old);
    }
    for (const [start, now] of wanted) {
      const old = this.#mirrored.get(start);
      if (old === undefined) this.#map(now);
      else if (old.permission !== now.permission) this.#protect(old, now);
    }
    this.#mirrored = wanted;
    this.#writableCode = writableCode([...wanted.values()]);
    this.#generation = generation;
    this.#writeProtect = writeProtect;
  }

  /**
   * Announces that a run may have changed code through a writable mapping: to other engines, and to this one if it runs the code
   * through another mapping.
   */
  announce(): void {
    for (const { bytes } of this.#writableCode) this.#space.announceWrite(bytes, 0, bytes.length);
  }

  /** Stops using the machine's memory. The engine must be closed before, or never run again. */
  close(): void {
    this.#stopWatching();
    this.#mirrored.clear();
  }

  #map({ piece, permission }: Mirrored): void {
    this.#unicorn.mapPointer(this.#engine, piece.start, piece.bytes, permission);
  }

  #unmap(old: Mirrored): void {
    const { start, bytes } = old.piece;
    if ((old.permission & UC_PROT.exec) !== 0) this.#forget(start, bytes.length);
    this.#unicorn.unmap(this.#engine, start, bytes.length);
    this.#mirrored.delete(start);
  }

  /** Otherwise the engine would keep running what it translated while the piece was executable. */
  #protect(old: Mirrored, { piece, permission }: Mirrored): void {
    const loses = (old.permission & UC_PROT.exec) !== 0 && (permission & UC_PROT.exec) === 0;
    if (loses) this.#forget(piece.start, piece.bytes.length);
    this.#unicorn.protect(this.#engine, piece.start, piece.bytes.length, permission);
  }

  /** Handles a write by the machine: wherever these bytes are mapped as code, the code is new. */
  #written(bytes: Uint8Array, offset: number, length: number): void {
    const at = bytes.byteOffset + offset;
    for (const { piece, permission } of this.#mirrored.values()) {
      if ((permission & UC_PROT.exec) === 0 || piece.bytes.buffer !== bytes.buffer) continue;
      const from = Math.max(at, piece.bytes.byteOffset);
      const to = Math.min(at + length, piece.bytes.byteOffset + piece.bytes.length);
      if (from < to) this.#forget(piece.start + BigInt(from - piece.bytes.byteOffset), to - from);
    }
  }

  #forget(start: bigint, length: number): void {
    this.#unicorn.forget(this.#engine, start, start + BigInt(length));
  }
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.buffer === b.buffer && a.byteOffset === b.byteOffset && a.length === b.length;

function writableCode(all: readonly Mirrored[]): MappedPiece[] {
  const code = all.filter(({ permission }) => (permission & UC_PROT.exec) !== 0);
  return all
    .filter(({ permission }) => (permission & UC_PROT.write) !== 0)
    .map(({ piece }) => piece)
    .filter(({ bytes }) => code.some(({ piece }) => overlap(bytes, piece.bytes)));
}

const overlap = (a: Uint8Array, b: Uint8Array): boolean =>
  a.buffer === b.buffer && a.byteOffset < b.byteOffset + b.length && b.byteOffset < a.byteOffset + a.length;
