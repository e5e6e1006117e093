import type { OpenStep, OpenStepDictionary } from './open-step.js';
import { parseOpenStep } from './open-step.js';
import { projectInvalid, shown } from './invalid.js';

/** One object of a project file: a target, a configuration, a file. */
export class ProjectObject {
  constructor(
    readonly id: string,
    private readonly fields: OpenStepDictionary,
    private readonly all: ProjectObjects,
  ) {}

  get line(): number {
    return this.fields.line;
  }

  get isa(): string {
    return this.text('isa') ?? '';
  }

  text(field: string): string | null {
    const value = this.fields.entries.get(field);
    return value?.kind === 'text' ? value.text : null;
  }

  dictionary(field: string): OpenStepDictionary | null {
    const value = this.fields.entries.get(field);
    return value?.kind === 'dictionary' ? value : null;
  }

  /** The object that a field names; null where it names none that there is. */
  object(field: string): ProjectObject | null {
    const id = this.text(field);
    return id === null ? null : this.all.find(id);
  }

  /** Those that a list names; ids that name nothing are passed over, as Xcode does. */
  objects(field: string): readonly ProjectObject[] {
    const value = this.fields.entries.get(field);
    if (value?.kind !== 'list') return [];
    return value.items.flatMap((item) => {
      const found = item.kind === 'text' ? this.all.find(item.text) : null;
      return found === null ? [] : [found];
    });
  }
}

/** The objects of one `project.pbxproj`. */
export class ProjectObjects {
  private readonly known = new Map<string, ProjectObject>();

  private constructor(
    /** As people name it. */
    readonly file: string,
    private readonly root: OpenStepDictionary,
    private readonly objects: OpenStepDictionary,
  ) {}

  /** @throws ResealError PROJECT_INVALID */
  static parse(source: string, file: string): ProjectObjects {
    if (source.trimStart().startsWith('<?xml'))
      throw projectInvalid(
        { file, line: 1 },
        'an XML property list',
        'the form that Xcode itself writes; open the project in Xcode, change something and save it',
      );
    const root = dictionaryOr(parseOpenStep(source, file), file, 'a dictionary of a project');
    const objects = root.entries.get('objects');
    if (objects === undefined) throw projectInvalid({ file, line: root.line }, 'no objects', 'the objects of a project');
    return new ProjectObjects(file, root, dictionaryOr(objects, file, 'a dictionary of objects'));
  }

  find(id: string): ProjectObject | null {
    const known = this.known.get(id);
    if (known !== undefined) return known;
    const fields = this.objects.entries.get(id);
    if (fields?.kind !== 'dictionary') return null;
    const object = new ProjectObject(id, fields, this);
    this.known.set(id, object);
    return object;
  }

  /** Every object of a kind. */
  ofKind(isa: string): readonly ProjectObject[] {
    return [...this.objects.entries.keys()].flatMap((id) => {
      const object = this.find(id);
      return object?.isa === isa ? [object] : [];
    });
  }

  get project(): ProjectObject {
    const id = this.root.entries.get('rootObject');
    const project = id?.kind === 'text' ? this.find(id.text) : null;
    if (project?.isa !== 'PBXProject')
      throw projectInvalid(
        { file: this.file, line: id?.line ?? this.root.line },
        id?.kind === 'text' ? `rootObject ${shown(id.text)}` : 'no rootObject',
        'the id of a PBXProject',
      );
    return project;
  }
}

function dictionaryOr(value: OpenStep, file: string, expected: string): OpenStepDictionary {
  if (value.kind === 'dictionary') return value;
  throw projectInvalid({ file, line: value.line }, value.kind === 'text' ? shown(value.text) : 'a list', expected);
}
