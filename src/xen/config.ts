import { latin1 } from '../base/index.ts';

/**
 * The configuration that Xen carries in `xen_config_data`: its `.config`, gzipped. Only in builds with
 * CONFIG_HYPFS_CONFIG, since 4.14. Source: xen/common/Makefile (config.gz), xen/tools/binfile, xen/common/kernel.c.
 */

/** Options by name, `CONFIG_` included: `y`, a number's digits, or a string without its quotes; `n` where unset. */
export type XenConfig = ReadonlyMap<string, string>;

/** Longest configuration that is taken, in bytes; real ones have about 4 KiB. */
export const CONFIG_MAX_SIZE = 0x10_0000;

/**
 * Decompresses one gzip member: a port, as decompression is at hand wherever this runs, and differs there.
 * `undefined` where the data is damaged, cut off, or comes to more than `maxSize` bytes; takes no more memory than that.
 */
export type Gunzip = (data: Uint8Array, maxSize: number) => Uint8Array | undefined;

/** Reads the lines `CONFIG_X=…` and `# CONFIG_X is not set`; all others are comments. The last line of a name counts. */
export function parseConfig(text: string): XenConfig {
  const options = new Map<string, string>();
  for (const line of text.split('\n')) {
    const set = /^(CONFIG_\w+)=(.*)$/.exec(line);
    if (set !== null) options.set(set[1] as string, unquote(set[2] as string));
    const unset = /^# (CONFIG_\w+) is not set$/.exec(line);
    if (unset !== null) options.set(unset[1] as string, 'n');
  }
  return options;
}

const unquote = (value: string): string => (/^".*"$/.test(value) ? value.slice(1, -1).replace(/\\(.)/g, '$1') : value);

/** The options in `xen_config_data`, or `undefined` where it is damaged or too long. */
export function readConfigData(data: Uint8Array, gunzip: Gunzip): XenConfig | undefined {
  const text = gunzip(data, CONFIG_MAX_SIZE);
  return text === undefined ? undefined : parseConfig(latin1(text));
}

/** Is this option `y`? */
export const configEnabled = (config: XenConfig, option: string): boolean => config.get(option) === 'y';
