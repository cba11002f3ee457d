// Addresses and pictures that come from outside, before they reach the DOM.

/** A link that may be followed: https, or http on this machine's loopback. Anything else is null. */
export function safeLink(raw: string | null | undefined): string | null {
  if (!raw) return null;
  let url: URL;
  try {
    url = new URL(raw);
  } catch {
    return null;
  }
  if (url.username || url.password) return null;
  if (url.protocol === "https:") return url.href;
  const loopback = url.hostname === "localhost" || url.hostname.endsWith(".localhost") || url.hostname === "127.0.0.1";
  return url.protocol === "http:" && loopback ? url.href : null;
}

/** A mail address or web page to write to; anything else is null. */
export function safeContact(raw: string | null | undefined): string | null {
  if (raw && /^mailto:[^\s?&@]+@[^\s?&@]+$/.test(raw)) return raw;
  return safeLink(raw);
}

/** A logo that may be shown: a raster image inside the address itself, so nothing is fetched and nothing runs. */
export function safeLogo(raw: string | null | undefined): string | null {
  return raw && raw.length <= 65_536 && /^data:image\/(png|jpeg|webp|gif);base64,[A-Za-z0-9+/]+={0,2}$/.test(raw) ? raw : null;
}

interface Colours {
  card: string;
  ink: string;
}

/** An issuer's card colours if its text stays readable on them, else Facet's own. */
export function cardColours(color: string, text: string): Colours | null {
  const card = channels(color);
  const ink = channels(text);
  if (!card || !ink) return null;
  const lightest = card.map((c) => c + (255 - c) * 0.2); // the card's facets lay white over it
  return contrast(card, ink) >= 4.5 && contrast(lightest, ink) >= 4.5 ? { card: color, ink: text } : null;
}

function channels(hex: string): number[] | null {
  const found = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(hex);
  return found ? found.slice(1).map((pair) => parseInt(pair, 16)) : null;
}

/** WCAG 2.2 contrast ratio. */
function contrast(a: number[], b: number[]): number {
  const [x, y] = [luminance(a), luminance(b)];
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
}

function luminance(rgb: number[]): number {
  const [r = 0, g = 0, b = 0] = rgb.map((c) => {
    const s = c / 255;
    return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
