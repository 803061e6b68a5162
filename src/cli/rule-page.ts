import { RULES } from '../lint/index.ts';
import { pageOf } from './rules.ts';

/** Returns the page of a lint rule; undefined for the id of anything else. */
export const rulePage = (rule: string): string | undefined =>
  RULES.some(({ id }) => id === rule) ? pageOf(rule) : undefined;
