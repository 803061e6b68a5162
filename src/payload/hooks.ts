import type { ElfFile, ElfSection } from '../elf/index.ts';
import { HOOK_SECTIONS, type HookKind } from '../xen/index.ts';
import { type EntryTable, readEntries } from './entry-table.ts';
import type { PayloadPointer, PointerReader } from './pointer.ts';

/** The hooks of one kind: pointers to functions, in calling order. */
export interface PayloadHooks extends EntryTable<PayloadPointer> {
  readonly kind: HookKind;
}

/** Reads all hook sections in Xen's order. */
export const readHooks = (file: ElfFile, pointersOf: (section: ElfSection) => PointerReader): PayloadHooks[] =>
  HOOK_SECTIONS.flatMap(({ kind, section: name }) => {
    const section = file.section(name);
    if (section === undefined) return [];
    const pointers = pointersOf(section);
    return [{ kind, ...readEntries(pointers, file.layout.pointerSize, (at) => pointers.pointer(at)) }];
  });
