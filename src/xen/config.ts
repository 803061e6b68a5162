import { latin1 } from '../base/index.ts';

/**
 * Xen's own `.config`, gzipped in `xen_config_data`. Only in builds with CONFIG_HYPFS_CONFIG, since 4.14.
 * Source: xen/common/Makefile (config.gz), xen/tools/binfile, xen/common/kernel.c.
 */

/** Options by name, with `CONFIG_`: `y`, digits, or an unquoted string; `n` if unset. */
export type XenConfig = ReadonlyMap<string, string>;

/** Maximum accepted configuration, in bytes; real ones have about 4 KiB. */
export const CONFIG_MAX_SIZE = 0x10_0000;

/**
 * Decompresses one gzip member. This is a port, because each runtime has its own. Returns `undefined` if the data is corrupt,
 * truncated, or decompresses to more than `maxSize` bytes; never allocates more than that.
 */
export type Gunzip = (data: Uint8Array, maxSize: number) => Uint8Array | undefined;

/** Parses `CONFIG_X=…` and `# CONFIG_X is not set`; ignores all other lines. The last line of a name wins. */
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

/** Returns the options in `xen_config_data`, or `undefined` if it is corrupt or too long. */
export function readConfigData(data: Uint8Array, gunzip: Gunzip): XenConfig | undefined {
  const text = gunzip(data, CONFIG_MAX_SIZE);
  return text === undefined ? undefined : parseConfig(latin1(text));
}

/** Is this option `y`? */
export const configEnabled = (config: XenConfig, option: string): boolean => config.get(option) === 'y';
