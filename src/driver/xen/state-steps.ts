import { Definition, type FormatStep, type StoredFiles } from "../../model/index.ts";
import { VirError } from "../../protocol/index.ts";
import { readImageOf } from "./save-image.ts";

const uuidForm = /^(.{36})\.xml$/;

/**
 * Managed images were called by their domains' names, so that a domain left its image behind with its old name, and gave it to
 * whoever was called so next. Here they get the uuids that stand in them, whatever they are called; one that is no domain's of
 * today stays as it is.
 */
export const savesByUuid: FormatStep = async (files) => {
  const domains = new Set((await files.list()).flatMap((file) => uuidForm.exec(file)?.[1] ?? []));
  const saves = files.within("save");
  const images = new Set(await saves.list());
  for (const image of images) {
    const uuid = image.endsWith(".save") ? await uuidIn(saves, image) : undefined;
    const next = `${uuid}.save`;
    if (uuid === undefined || !domains.has(uuid) || images.has(next)) continue;
    await saves.rename(image, next);
    images.add(next);
  }
  await saves.sync();
};

/** Of the guest in an image; undefined when it is none: who starts from it will say so. Rejects with Node's error. */
async function uuidIn(saves: StoredFiles, image: string): Promise<string | undefined> {
  const file = await saves.open(image);
  try {
    const { xml } = await readImageOf((position, length) => file.read(position, length));
    return Definition.restore(xml).uuid;
  } catch (error) {
    if (error instanceof VirError) return undefined;
    throw error;
  } finally {
    await file.close();
  }
}
