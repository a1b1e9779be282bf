import { useEffect, useState } from 'preact/hooks';

const themes = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];
const KEY = 'oxbow-theme';

function kept(): Theme {
  try {
    const value = localStorage.getItem(KEY);
    return themes.find((theme) => theme === value) ?? 'auto';
  } catch {
    // A browser may keep nothing.
    return 'auto';
  }
}

/** The theme that was chosen, and whether the page is dark. */
export function useTheme() {
  const [theme, setTheme] = useState(kept);
  const [prefersDark, setPrefersDark] = useState(matchMedia('(prefers-color-scheme: dark)').matches);
  useEffect(() => {
    const query = matchMedia('(prefers-color-scheme: dark)');
    const look = () => setPrefersDark(query.matches);
    query.addEventListener('change', look);
    return () => query.removeEventListener('change', look);
  }, []);
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // As above.
    }
  }, [theme]);
  return { theme, setTheme, isDark: theme === 'dark' || (theme === 'auto' && prefersDark) };
}

export function ThemeSwitch({ theme, onChange }: { readonly theme: Theme; readonly onChange: (theme: Theme) => void }) {
  return (
    <label class="inline">
      Theme
      <select id="theme" value={theme} onChange={(event) => onChange(event.currentTarget.value as Theme)}>
        {themes.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}
