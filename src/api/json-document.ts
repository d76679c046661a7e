// One JSON document: its value, or what is wrong with its text.
import { countLineBreaks } from './text-document.ts';
import type { DocumentContent } from './yaml-document.ts';

/** Reads the text of a JSON file. Never throws. */
export function readJsonDocument(text: string): DocumentContent {
  const parsed = parseJson(text);
  if ('value' in parsed) return parsed;
  const { message } = parsed;
  const offset = /at position (\d+)/.exec(message)?.[1] ?? offsetOfToken(text);
  // The engine quotes the text around the place, over several lines if need be.
  const what = message.replace(/, (?:\.\.\.)?".*$| in JSON at position.*$| at position.*$/s, '');
  return {
    error: `This is not valid JSON: ${what}.`,
    line: countLineBreaks(text.slice(0, Number(offset))) + 1,
  };
}

function parseJson(text: string): { readonly value: unknown } | { readonly message: string } {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { message: error.message };
  }
}

/** Of one error, an unexpected token, the engine does not tell the place: it is where the shortest such text ends. */
function offsetOfToken(text: string): number {
  let low = 0;
  let high = text.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const parsed = parseJson(text.slice(0, middle));
    if ('message' in parsed && parsed.message.startsWith('Unexpected token')) high = middle;
    else low = middle + 1;
  }
  return low - 1;
}
