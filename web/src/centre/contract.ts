/** What the server answers about the catalogue, objects and the reference model. */
import type { Attribute, Json } from "../entity/contract";

export interface Named {
  label_zh: string;
  label_en: string;
}
/** A number of entities, and the question that lists them. */
export interface Figure {
  value: number;
  list: string;
}
/** A number of changes, and the question in SQL that lists them. */
export interface Changes {
  value: number;
  sql: string;
  count: string;
}
export interface Flow {
  per_minute: Changes;
  day: Changes;
  day_per_minute: number;
  hours: number[];
  total: Changes;
  first: string | null;
  last: string | null;
}
export interface Source extends Named {
  id: string;
  kind: "feed" | "app" | "interface";
  name: string;
  status?: string;
}
export interface Owner extends Figure {
  id: string;
  label: string;
}
export interface Flag extends Named, Figure {
  flag: string;
}
export interface TypeFigures extends Named {
  name: string;
  iri: string;
  subject: string | null;
  description_zh: string;
  description_en: string;
  color: string | null;
  count: Figure;
  located: Figure;
  owners: Owner[];
  unowned: Figure;
  sources: (Source & Figure)[];
  classifications: (Figure & { name: string })[];
  quality: Flag[];
  newest: string | null;
  oldest: string | null;
  age_s: number | null;
  middle_age_s: number | null;
  completeness: number | null;
  flow: Flow;
}
export interface FeedFigures extends Source {
  decoder: string;
  owner: string | null;
  classification: string | null;
  simulated: boolean;
  issued_at: string | null;
  refused: number;
  types: (Named & Figure & { name: string })[];
  flow: Flow;
}
export interface Department extends Owner {
  types: string[];
}
export interface Overview {
  position: number;
  at: string;
  counted: boolean;
  entities: Figure;
  flow: Flow;
  unowned: Figure;
  departments: Department[];
  types: TypeFigures[];
  feeds: FeedFigures[];
  apps: (Source & { flow: Flow })[];
}
export interface AttributeOfType extends Named {
  name: string;
  iri: string;
  description_zh: string;
  description_en: string;
  kinds: string[];
  unit: string | null;
  known: boolean;
  required: boolean;
  share: number | null;
  count: Figure;
  missing: Figure;
  owners: Owner[];
  sources: (Figure & { id: string })[];
  quality: Flag[];
  newest: string | null;
  oldest: string | null;
}
export interface Line {
  id: string;
  type: string;
  type_zh: string;
  type_en: string;
  label: string | null;
  modified_at: string | null;
  source: string | null;
}
export interface LineageEdge {
  kind: "makes" | "reads";
  type: string;
  by: string;
  attributes: (Named & { name: string; count: number | null })[];
}
export interface Way extends Named {
  kind: string;
  address: string;
  example: string;
}
export interface TypeDetail extends TypeFigures {
  counted: boolean;
  attributes: AttributeOfType[];
  samples: Line[];
  lineage: { sources: Source[]; types: (Named & { name: string })[]; edges: LineageEdge[] };
  interfaces: Way[];
}
export interface Listed {
  total: number;
  entities: Line[];
}
export interface ObjectAttribute extends Attribute {
  entity: string;
  stale: boolean;
  differs: boolean;
}
export interface ObjectDocument extends Line {
  types: (Named & { name: string })[];
  created_at: string | null;
  geometry: Json;
  records: (Line & { departments: string[]; linked: boolean })[];
  departments: { id: string | null; source: string | null; label: string; attributes: ObjectAttribute[] }[];
  links: (Partial<Line> & { id: string; label: string | null; known: boolean; attribute: Named & { name: string } })[];
  referring: (Figure & { attribute: Named & { name: string }; type: (Named & { name: string }) | null; to: string; samples: Line[] })[];
  around: { area: boolean; metres: number | null; types: (Named & Figure & { name: string; samples: Line[] })[] } | null;
}
export interface Pair extends Figure {
  departments: { id: string; label: string }[];
}
export interface IndexFigures {
  index: number | null;
  objects: Figure;
  joined: Figure;
  linked: Figure;
  alone: Figure;
  pairs: Pair[];
}
export interface Fragmentation extends IndexFigures {
  position: number;
  types: (IndexFigures & Named & { name: string })[];
}
export interface Candidate {
  records: Line[];
  departments: ({ id: string; label: string } | null)[];
  metres: number;
  likeness: number;
}
export interface JoinedObject {
  records: Line[];
  departments: { id: string; label: string }[];
}
export type BlockState = "ok" | "attention" | "fault" | "idle";
export interface Part extends Named {
  key: string;
  state: BlockState;
  kind_zh: string;
  kind_en: string;
  rate: number | null;
  lag_s: number | null;
  note: { zh: string; en: string } | null;
  link: string;
}
export interface LinkTo extends Named {
  link: string;
}
export interface Block extends Named {
  id: string;
  gives_zh: string;
  gives_en: string;
  words: string[];
  state: BlockState;
  parts: Part[];
  faults: number;
  attention: number;
  rate: number | null;
  lag_s: number | null;
  figures: (Named & { value: number | null; unit: string; link: string })[];
  kinds: Named[];
  pages: LinkTo[];
  interfaces: LinkTo[];
  docs: { name: string; title: string; link: string }[];
  tests: string[];
  systems: Record<"works" | "partial" | "planned", string[]>;
}
export interface System {
  id: string;
  zh: string;
  en: string;
  block: string;
  state: "works" | "partial" | "planned";
  figures: string[];
  words: { document: string; document_zh: string; document_en: string; text: string }[];
  page: string;
  interface: string;
  test: string;
}
export interface Model {
  at: string;
  position: number;
  blocks: Block[];
  states: Record<string, number>;
  groups: (Named & { id: string })[];
  systems: System[];
}
