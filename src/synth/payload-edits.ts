import { fromHex, fromLatin1 } from '../base/index.ts';
import { ElfFields, type FieldPlace, type SectionPlace, writeField } from './elf-fields.ts';
import type { EditSpec, EditValue } from './payload-spec.ts';

const found = <T>(value: T | undefined, what: string): T => {
  if (value === undefined) throw new RangeError(`the payload has no ${what}`);
  return value;
};

/** Applies edits to a file, in order. Throws if the file lacks a name: cases are written by us. */
export function applyEdits(file: Uint8Array, edits: readonly EditSpec[]): Uint8Array {
  if (edits.length === 0) return file;
  const elf = new ElfFields(file);
  let bytes = file.slice();
  const section = (name: string): SectionPlace => found(elf.section(name), `section ${name}`);
  const numberOf = (value: EditValue): bigint => {
    if (typeof value === 'number') return BigInt(value);
    if ('hex' in value) return BigInt(`0x${value.hex}`);
    if ('fileSize' in value) return BigInt(file.length + value.fileSize);
    if ('shnum' in value) return BigInt(elf.sections.length + value.shnum);
    if ('indexOf' in value) return BigInt(section(value.indexOf).index);
    if ('offsetOf' in value) return BigInt(section(value.offsetOf).offset + value.plus);
    return BigInt(section(value.sizeOf).size + value.plus);
  };
  const put = (place: FieldPlace, value: EditValue): void => writeField(bytes, place, numberOf(value));
  for (const edit of edits) {
    if ('ident' in edit) bytes[edit.ident] = edit.value;
    else if ('ehdr' in edit) put(elf.ehdr(edit.ehdr), edit.value);
    else if ('section' in edit) put(elf.shdr(section(edit.section), edit.field), edit.value);
    else if ('symbol' in edit) {
      const symbol = found(
        elf.symbols.find(({ name }) => name === edit.symbol),
        `symbol ${edit.symbol}`,
      );
      put(elf.symbol(symbol, edit.field), edit.value);
    } else if ('rela' in edit) put(elf.rela(section(edit.rela), edit.entry, edit.field), edit.value);
    else if ('bytes' in edit) {
      const { offset, size } = section(edit.bytes);
      bytes.set(found(fromHex(edit.hex), 'such digits'), offset + (edit.at < 0 ? size + edit.at : edit.at));
    } else if ('rename' in edit) bytes.set(fromLatin1(`${edit.to}\0`), elf.nameAt(file, section(edit.rename)));
    else if ('truncate' in edit)
      bytes = bytes.slice(0, edit.truncate < 0 ? bytes.length + edit.truncate : edit.truncate);
    else {
      const grown = new Uint8Array(edit.growTo);
      grown.set(bytes.subarray(0, edit.growTo));
      bytes = grown;
    }
  }
  return bytes;
}
