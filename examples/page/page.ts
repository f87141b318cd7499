/** Guests, what happens to them, and their consoles. Where they are stands in the address, behind "#": url, token, name. */
import { type Connection, openWebSocket } from "virtwright/web";

type Guest = Awaited<ReturnType<Connection["domains"]>>[number];

const place = new URLSearchParams(location.hash.slice(1));
const part = <E extends Element>(selector: string): E => document.querySelector(selector) as E;
const [guests, events, screen] = ["#guests", "#events", "#screen"].map((id) => part<HTMLElement>(id)) as [
  HTMLElement,
  HTMLElement,
  HTMLElement,
];
const line = part<HTMLFormElement>("#line");
const input = part<HTMLInputElement>("#line input");

function show(list: HTMLElement, ...content: (string | Node)[]): void {
  const item = document.createElement("li");
  item.append(...content);
  list.append(item);
}

async function listGuests(connection: Connection): Promise<void> {
  const all = await connection.domains();
  const rows = await Promise.all(all.map(async (guest) => ({ guest, state: (await guest.status()).state })));
  guests.replaceChildren();
  for (const { guest, state } of rows) {
    const button = document.createElement("button");
    button.textContent = "console";
    button.addEventListener("click", () => void openScreen(guest).catch(complain));
    show(guests, `${guest.name} ${state} `, button);
  }
}

async function openScreen(guest: Guest): Promise<void> {
  await using channel = await guest.openConsole();
  const writer = channel.writable.getWriter();
  const keys = new TextEncoder();
  screen.textContent = "";
  input.disabled = false;
  line.onsubmit = (event) => {
    event.preventDefault();
    writer.write(keys.encode(`${input.value}\r`)).catch(complain);
    line.reset();
  };
  const letters = new TextDecoder();
  for await (const bytes of channel.readable) screen.append(letters.decode(bytes, { stream: true }));
  input.disabled = true;
}

function complain(error: unknown): void {
  part("#trouble").textContent = String(error);
}

async function run(): Promise<void> {
  const name = place.get("name");
  await using connection = await openWebSocket(place.get("url") ?? "ws://127.0.0.1:16580", {
    token: place.get("token") ?? "",
    ...(name !== null && { name }),
  });
  await using changes = connection.events("lifecycle");
  await changes.ready;
  await listGuests(connection);
  for await (const { domain, event } of changes) {
    show(events, `${domain.name} ${event}`);
    await listGuests(connection);
  }
}

run().catch(complain);
