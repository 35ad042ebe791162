// What both versions have in common: who logs in, and how a page's cursor is read.

export const credentials = { email: "customer1@shop.example", password: "backstay-demo" };

/** What was answered; an error that was not expected ends the walk. */
export function given<T>(answer: { data?: T; error?: unknown }): T {
  if (answer.data === undefined) throw new Error(JSON.stringify(answer.error));
  return answer.data;
}

export function cursorOf(link: string | null): string | undefined {
  return link === null ? undefined : (new URL(link).searchParams.get("cursor") ?? undefined);
}

export interface Walked {
  total: string;
  replayed: boolean;
  ids: number[];
  pages: number;
  pointer: string | undefined;
  conflict: string;
  unauthenticated: string;
}
