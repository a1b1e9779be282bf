import type { ComponentChildren, Ref } from 'preact';

/** A part of the page with a heading, a landmark for those who jump between them. */
export function Card(props: {
  readonly id: string;
  readonly title: string;
  readonly hint?: string;
  readonly wide?: boolean;
  readonly inner?: Ref<HTMLElement>;
  readonly children: ComponentChildren;
}) {
  const { id, title, hint, wide, inner, children } = props;
  return (
    <section ref={inner ?? null} id={id} class={wide ? 'card wide' : 'card'} aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>{title}</h2>
      {hint && <p class="hint">{hint}</p>}
      {children}
    </section>
  );
}

/** A control under its label. */
export function Field(props: {
  readonly id: string;
  readonly label: string;
  readonly children: ComponentChildren;
  readonly class?: string;
}) {
  return (
    <div class={`field ${props.class ?? ''}`}>
      <label for={props.id}>{props.label}</label>
      {props.children}
    </div>
  );
}

/** What came of something, said once it has; and what went wrong. */
export function Outcome({
  id,
  said,
  problem,
}: {
  readonly id: string;
  readonly said?: string;
  readonly problem?: string | undefined;
}) {
  return (
    <>
      <p id={`${id}-status`} class="outcome" role="status">
        {said ?? ''}
      </p>
      <p id={`${id}-problem`} class="problem" role="alert">
        {problem ?? ''}
      </p>
    </>
  );
}

/** A box that scrolls, also by keyboard. */
export function Scrolled(props: {
  readonly id?: string;
  readonly label: string;
  readonly class: string;
  readonly busy?: boolean;
  readonly inner?: Ref<HTMLElement>;
  readonly children: ComponentChildren;
}) {
  const { id, label, busy = false, inner, children } = props;
  return (
    <section
      ref={inner ?? null}
      id={id}
      class={props.class}
      // What goes on without end would drown everything else that is to be read aloud.
      aria-live="off"
      aria-label={label}
      aria-busy={busy}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard
      tabIndex={0}
    >
      {children}
    </section>
  );
}

/** Figures with their names. */
export function Figures({ of }: { readonly of: readonly (readonly [name: string, value: string, title?: string])[] }) {
  return (
    <dl class="figures">
      {of.map(([name, value, title]) => (
        <div key={name} title={title}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
