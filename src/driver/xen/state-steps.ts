import { Definition, type FormatStep, readStored } from "../../model/index.ts";

const uuidForm = /^(.{36})\.xml$/;

/**
 * Managed images were called by their domains' names, so that a domain left its image behind with its old name, and gave it to
 * whoever was called so next. Here they get the uuids; one that no domain of today has the name of stays as it is.
 */
export const savesByUuid: FormatStep = async (files) => {
  const saves = files.within("save");
  const images = new Set(await saves.list());
  for (const file of await files.list()) {
    const uuid = uuidForm.exec(file)?.[1];
    if (uuid === undefined) continue;
    const name = nameIn(await readStored(files, file));
    const next = `${uuid}.save`;
    if (name === undefined || !images.has(`${name}.save`) || images.has(next)) continue;
    await saves.rename(`${name}.save`, next);
  }
  await saves.sync();
};

/** Undefined when it is no definition: who loads it will say so. */
function nameIn(text: string): string | undefined {
  try {
    return Definition.restore(text).name;
  } catch {
    return undefined;
  }
}
