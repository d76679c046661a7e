// How the demo looks: titled chapters, steps that tick when done with the time they took, and plain lines off a terminal.
import { styleText } from 'node:util';

export interface Screen {
  chapter(title: string): void;
  line(text: string): void;
  /** Shows the step at once, and again with a tick and its duration when the work resolves; a rejection crosses it. */
  step<T>(text: string, work: () => Promise<T>, detail?: (result: T) => string): Promise<T>;
  /** A fact that was measured: ticked or crossed, with what was expected. */
  check(ok: boolean, text: string): void;
}

type Style = Parameters<typeof styleText>[0];

/** Writes to stderr, so that stdout holds nothing but the result. Colours and rewriting only where it is a terminal. */
export function createScreen(out: NodeJS.WriteStream = process.stderr): Screen {
  const paint = (style: Style, text: string): string => styleText(style, text, { stream: out });
  const print = (text: string): void => void out.write(`${text}\n`);
  const mark = (ok: boolean): string => (ok ? paint('green', '✓') : paint('red', '✗'));

  return {
    chapter: (title) => print(`\n${paint('bold', title)}`),
    line: (text) => print(`  ${text}`),
    check: (ok, text) => print(`  ${mark(ok)} ${text}`),
    async step(text, work, detail = () => '') {
      const started = performance.now();
      const settle = (ok: boolean, suffix: string): void => {
        if (out.isTTY) out.write('\r\x1b[2K');
        const took = paint('dim', `${formatMilliseconds(performance.now() - started)}`);
        print(`  ${mark(ok)} ${text}${suffix === '' ? '' : `: ${suffix}`}  ${took}`);
      };
      if (out.isTTY) out.write(`  ${paint('dim', '·')} ${text} …`);
      try {
        const result = await work();
        settle(true, detail(result));
        return result;
      } catch (error) {
        settle(false, '');
        throw error;
      }
    },
  };
}

/** `7 ms` below a second, `1.3 s` above. */
export const formatMilliseconds = (milliseconds: number): string =>
  milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
