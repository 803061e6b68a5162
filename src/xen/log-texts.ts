/**
 * Loader messages that 4.13 changed (4470efeae4, 9e1cfdf3ae): the current template, without the `livepatch: NAME: ` prefix, and the
 * one of 4.12 and before. Most only lost an exclamation mark.
 */
const OLD_TEXTS: Readonly<Record<string, string>> = {
  'Could not allocate memory for section table': 'Could not allocate memory for section table!',
  'Section [%u] data at ELF header of payload': 'Section [%u] data at ELF header of payload!',
  'Section [%u] data is past end of payload': 'Section [%u] data is past end of payload!',
  'Unsupported multiple symbol tables': 'Unsupported multiple symbol tables!',
  'No symbol table found': 'No symbol table found!',
  'Symbol table header is corrupted': 'Symbol table header is corrupted!',
  'Section %u name is not within .shstrtab': 'Section %u name is not within .shstrtab!',
  'Symbol [%u] name is not within .strtab': 'Symbol [%u] name is not within .strtab!',
  "Symbol '%s' should not be in payload": "Symbol '%s' should not be in payload!",
  'Section relative header is corrupted': 'Section relative header is corrupted!',
  'Section header is bigger than payload': 'Section header is bigger than payload!',
  'Not an ELF payload': 'Not an ELF payload!',
  'Invalid ELF payload': 'Invalid ELF payload!',
  'Section name idx is undefined': 'Section name idx is undefined!?',
  'Too many (%u) sections': 'Too many (%u) sections!',
  'Section name idx (%u) is past end of sections (%u)': 'Section name idx (%u) is past end of sections (%u)!',
  'Bogus e_shoff': 'Bogus e_shoff!',
  'Section header size is %u! Expected %zu.': 'Section header size is %u! Expected %zu!?',
  'Section header size is corrupted': 'Section header size is corrupted!',
  'Could not allocate memory for payload': 'Could not allocate memory for payload!',
  '%s is missing': '%s is missing!',
  '%s is empty': '%s is empty!',
  'Wrong version (%u). Expected %d': 'Wrong version (%u). Expected %d!',
  'Address or size fields are zero': 'Address or size fields are zero!',
  'Alt patching outside payload: %p': 'Alt patching outside payload: %p!',
  "We don't support alternative patching": "We don't support alternative patching!",
  "We don't support .ex_table": "We don't support .ex_table!",
  'check against %s build-id failed': 'check against %s build-id failed!',
  "can't unload. Top is %s": "can't unload. Top is %s!",
  "can't revert as payload has .data. Please unload": "can't revert as payload has .data. Please unload!",
  'Unsupported ELF Machine type': 'Unsupported ELF Machine type!',
  'Unsupported ELF EABI(%x)': 'Unsupported ELF EABI(%x)!',
  'Relative relocation wants symbol@%u which is past end': 'Relative relocation wants symbol@%u which is past end!',
  'Overflow in relocation %u in %s for %s': 'Overflow in relocation %u in %s for %s!',
  'Relative relocation offset is past %s section': 'Relative relocation offset is past %s section!',
};

/**
 * Returns the text that releases with `errorsLogged: 'dprintk'` (up to 4.12) have for a current template, which may be the same.
 * Templates omit the `livepatch: NAME: ` prefix.
 */
export const oldText = (template: string): string =>
  Object.hasOwn(OLD_TEXTS, template) ? (OLD_TEXTS[template] as string) : template;
