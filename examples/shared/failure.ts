/** What the user can put right: said in one line, and the process ends with code 2. */
export interface Failure {
  readonly _tag: 'Failure';
  readonly message: string;
}

export const failure = (message: string): Failure => ({ _tag: 'Failure', message });

/** What the package says of a file, without the name of its function, which nobody typed; an option was typed. */
export const refused =
  (option?: string) =>
  ({ message }: Error): Failure =>
    failure(`${option === undefined ? '' : `${option}: `}${message.replace(/^\w+: /, '')}`);

/** The message of whatever was thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
