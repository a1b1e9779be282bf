/** Observables and what is on the screen, as hooks. */
import type { RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Observable } from 'rxjs';

/** The latest value of a stream that is subscribed to while there is one; another one where `of` differs. */
export function useLatest<T>(make: () => Observable<T> | undefined, of: readonly unknown[]): T | undefined {
  const [value, setValue] = useState<T | undefined>(undefined);
  useEffect(() => {
    const subscription = make()?.subscribe({ next: (next) => setValue(() => next), error: () => undefined });
    return () => subscription?.unsubscribe();
  }, of);
  return value;
}

/** Whether the page is looked at. */
export function useVisible(): boolean {
  const [isVisible, setVisible] = useState(!document.hidden);
  useEffect(() => {
    const look = () => setVisible(!document.hidden);
    document.addEventListener('visibilitychange', look);
    return () => document.removeEventListener('visibilitychange', look);
  }, []);
  return isVisible;
}

/** An element, and whether it is within sight: only what is shown is asked of the server. */
export function useShown<E extends Element>(): readonly [RefObject<E | null>, boolean] {
  const element = useRef<E | null>(null);
  const [isNear, setNear] = useState(false);
  const isVisible = useVisible();
  useEffect(() => {
    const observer = new IntersectionObserver((entries) => setNear(entries.at(-1)?.isIntersecting === true), {
      rootMargin: '100px',
    });
    if (element.current !== null) observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  return [element, isNear && isVisible];
}

/** What runs until it is replaced, stopped, or its component goes. */
export function useRunning(): { start(begin: () => { unsubscribe(): void }): void; stop(): void } {
  const running = useRef<{ unsubscribe(): void } | undefined>(undefined);
  const stop = () => {
    running.current?.unsubscribe();
    running.current = undefined;
  };
  useEffect(() => stop, []);
  return {
    start(begin) {
      stop();
      running.current = begin();
    },
    stop,
  };
}
