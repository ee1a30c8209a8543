import { Command, type ParseOptionsResult } from 'commander'

/**
 * A command whose options take no other option for their value: commander lets `--out --json` name a
 * file `--json`. `--out=--json` and `--out ./--json` still do. A dash alone, and a negative number, are
 * values.
 */
export class StrictCommand extends Command {
  override createCommand(name?: string): Command {
    return new StrictCommand(name)
  }

  override parseOptions(args: string[]): ParseOptionsResult {
    for (let index = 0; index < args.length; index += 1) {
      const [arg = '', value] = args.slice(index)
      if (arg === '--') break
      const option = this.options.find(
        ({ required, short, long }) => required && [short, long].includes(arg),
      )
      if (option === undefined) continue
      if (value !== undefined && looksLikeOption(value)) {
        this.error(
          `error: option '${option.flags}' expected a value, got '${value}', which is read as an ` +
            `option. For a file of that name write ./${value}, for another value ${arg}=${value}.`,
        )
      }
      index += 1
    }
    return super.parseOptions(args)
  }
}

function looksLikeOption(text: string): boolean {
  return text.length > 1 && text.startsWith('-') && !/^-[\d.]+$/.test(text)
}
