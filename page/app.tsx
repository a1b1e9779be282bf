import { useEffect, useState } from 'preact/hooks';
import type { Link, Live } from './live.js';
import { Ask } from './panels/ask.js';
import { Controls } from './panels/controls.js';
import { Learning } from './panels/learning.js';
import { Lines } from './panels/lines.js';
import { Monologue } from './panels/monologue.js';
import { Score } from './panels/score.js';
import { Slots } from './panels/slots.js';
import { Units } from './panels/units.js';
import { useLatest, useVisible } from './parts/hooks.js';
import { ThemeSwitch, useTheme } from './parts/theme.js';

const links: Readonly<Record<Link, string>> = {
  connecting: 'Connecting…',
  open: 'Connected',
  waiting: 'The server does not answer; trying again…',
  unauthorized: 'The server asks for a token.',
};

/** Milliseconds between two looks at the figures: two a second are enough to watch, and little on a slow link. */
const EVERY_MS = 500;

export function App({ live, onToken }: { readonly live: Live; readonly onToken: (token: string) => void }) {
  const { theme, setTheme, isDark } = useTheme();
  const isVisible = useVisible();
  const link = useLatest(() => live.link$, [live]) ?? 'connecting';
  const hello = useLatest(() => live.client.hello$, [live]);
  const [chosen, setChosen] = useState<string | undefined>(undefined);
  const [firstMs, setFirstMs] = useState<number | undefined>(undefined);
  const model = hello?.models.find(({ name }) => name === chosen) ?? hello?.models[0];
  const metrics = useLatest(
    () => (isVisible && model ? live.client.metrics({ model: model.name, everyMs: EVERY_MS }) : undefined),
    [live, model?.name, isVisible],
  );
  useEffect(() => {
    document.title = metrics?.bitsPerSymbol ? `${metrics.bitsPerSymbol.toFixed(2)} bits – Oxbow` : 'Oxbow';
  }, [metrics?.bitsPerSymbol?.toFixed(2)]);
  const common = model && { client: live.client, model };
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <header>
        <h1>Oxbow</h1>
        <p id="link" role="status" class={`link ${link}`}>
          {links[link]}
        </p>
        {model && (
          <p class="about">
            {`${model.name}: ${model.parameters.toLocaleString('en')} parameters`}
            {model.learnsFor ? '' : ', does not learn from you'}
          </p>
        )}
        <div class="settings">
          {hello !== undefined && hello.models.length > 1 && (
            <label class="inline">
              Model
              <select id="model" value={model?.name} onChange={(event) => setChosen(event.currentTarget.value)}>
                {hello.models.map(({ name }) => (
                  <option key={name} value={name}>
                    {name}
                  </option>
                ))}
              </select>
            </label>
          )}
          <ThemeSwitch theme={theme} onChange={setTheme} />
        </div>
      </header>
      <main id="main" tabIndex={-1}>
        {link === 'unauthorized' && <Token onToken={onToken} />}
        {common && (
          <div key={common.model.name} class="cards">
            <Learning metrics={metrics} firstMs={firstMs} isDark={isDark} />
            {common.model.task === 'language' ? (
              <>
                <Monologue {...common} />
                <Ask {...common} onFirst={setFirstMs} />
                <Score {...common} />
                <Units {...common} />
                <Controls {...common} metrics={metrics} />
                <Lines {...common} />
              </>
            ) : (
              <>
                <Slots {...common} />
                <Controls {...common} metrics={metrics} />
              </>
            )}
          </div>
        )}
      </main>
    </>
  );
}

function Token({ onToken }: { readonly onToken: (token: string) => void }) {
  const [token, setToken] = useState('');
  return (
    <form
      class="card"
      onSubmit={(event) => {
        event.preventDefault();
        onToken(token.trim());
      }}
    >
      <label for="token">Token</label>
      <input
        id="token"
        type="password"
        autocomplete="current-password"
        value={token}
        onInput={(event) => setToken(event.currentTarget.value)}
      />
      <button type="submit">Connect</button>
    </form>
  );
}
