/**
 * Tells whether a symbol is a mapping symbol, which marks code or data in an object. Source: xen/arch/arm/livepatch.c,
 * arch_livepatch_symbol_ok; ELF for the Arm Architecture, 4.5.5.
 */
export const isMappingSymbol = (name: string, letters: string): boolean =>
  name.startsWith('$') &&
  name.length >= 2 &&
  letters.includes(name.charAt(1)) &&
  (name.length === 2 || name[2] === '.');
