import type { Program } from 'typescript';

export function undocumented(program: Program): string[];
