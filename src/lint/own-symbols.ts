import { SHF_ALLOC, SHF_MERGE, SHN_UNDEF, STT_FILE, STT_SECTION } from '../elf/index.ts';
import type { PayloadFile } from '../payload/index.ts';
import { KSYM_NAME_LEN } from '../xen/index.ts';

/** A symbol that a payload adds to the hypervisor's symbol table. */
export interface OwnSymbol {
  /** Truncated to 126 characters, as in Xen. */
  readonly name: string;
  readonly index: number;
  /** Whether it is the new version of a function, whose name may exist already. */
  readonly overrides: boolean;
}

/** Cache by payload: in a set, every payload needs those of all others. */
const CACHE = new WeakMap<PayloadFile, readonly OwnSymbol[]>();

/** Returns the candidates of build_symbol_table, in symbol order. Source: common/livepatch.c, is_payload_symbol and build_symbol_table. */
export function ownSymbols(content: PayloadFile): readonly OwnSymbol[] {
  const known = CACHE.get(content);
  if (known !== undefined) return known;
  const symbols = readOwnSymbols(content);
  CACHE.set(content, symbols);
  return symbols;
}

function readOwnSymbols(content: PayloadFile): OwnSymbol[] {
  const { elf } = content;
  const newFunctions = new Set(
    (content.functions?.entries ?? []).flatMap(({ newAddr }) =>
      newAddr.kind === 'section' ? [`${newAddr.section}+${newAddr.offset}`] : [],
    ),
  );
  const found: OwnSymbol[] = [];
  for (let index = 1; index < elf.symbols.count; index++) {
    if (elf.symbols.shndx(index) === SHN_UNDEF) continue;
    const section = elf.sections[elf.symbols.sectionIndex(index) ?? 0];
    const type = elf.symbols.type(index);
    if (section === undefined || section.index === 0 || (section.flags & SHF_ALLOC) === 0) continue;
    if (type === STT_SECTION || type === STT_FILE) continue;
    const name = elf.symbols.name(index);
    if (name === '' || ((section.flags & SHF_MERGE) !== 0 && name.startsWith('.L'))) continue;
    const overrides = newFunctions.has(`${section.index}+${elf.symbols.value(index)}`);
    found.push({ name: name.slice(0, KSYM_NAME_LEN - 1), index, overrides });
  }
  return found;
}
