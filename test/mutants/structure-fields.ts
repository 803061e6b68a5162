import { ELF64 } from '../../src/elf/index.ts';

/** Members of a structure that are numbers: all but `e_ident`. Both classes have the same ones. */
const numbersOf = ({ at }: { readonly at: Readonly<Record<string, number>> }): readonly string[] =>
  Object.keys(at).filter((field) => field !== 'e_ident');

export const EHDR_FIELDS = numbersOf(ELF64.ehdr);
export const SHDR_FIELDS = numbersOf(ELF64.shdr);
export const SYM_FIELDS = numbersOf(ELF64.sym);
