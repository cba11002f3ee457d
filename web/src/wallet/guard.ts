// Against taps the person did not mean: a decision counts only when its button
// has been on screen, whole and uncovered, for a while, and only once.

/** How long a decision must have been visible before a tap on it counts, in milliseconds. */
export const SETTLE = 600;

/** IntersectionObserver v2: says whether anything lies over the element. */
interface VisibilityEntry extends IntersectionObserverEntry {
  readonly isVisible?: boolean;
}

export type Verdict = "yes" | "early" | "covered";

export class Guard {
  #since = Infinity;
  #covered = false;
  #observer: IntersectionObserver | null = null;
  readonly #restart = () => this.#settle();

  /** Starts to watch the element; the clock starts with the next frame that shows it. */
  watch(element: Element): void {
    this.release();
    document.addEventListener("visibilitychange", this.#restart);
    window.addEventListener("focus", this.#restart);
    const options = { threshold: [0, 1], trackVisibility: true, delay: 100 };
    this.#observer = new IntersectionObserver((entries) => {
      for (const entry of entries as VisibilityEntry[]) {
        const covered = entry.isIntersecting && entry.isVisible === false;
        if (this.#covered && !covered) this.#settle(); // what lay over it may have been taken away under the finger
        this.#covered = covered;
      }
    }, options);
    this.#observer.observe(element);
    this.#settle();
  }

  release(): void {
    this.#observer?.disconnect();
    this.#observer = null;
    document.removeEventListener("visibilitychange", this.#restart);
    window.removeEventListener("focus", this.#restart);
  }

  /** Whether this click is a decision. The second click of a double click never is. */
  verdict(event: MouseEvent): Verdict {
    if (performance.now() - this.#since < SETTLE || event.detail > 1) return "early";
    const byPointer = event.detail > 0; // keys and assistive technology click with detail 0
    return byPointer && this.#covered ? "covered" : "yes";
  }

  #settle(): void {
    this.#since = Infinity;
    requestAnimationFrame(() => requestAnimationFrame(() => (this.#since = performance.now())));
  }
}
