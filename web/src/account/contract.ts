/** What the server says of accounts (/api/v1/session, /account, /people, /clients). */

export interface Person {
  id: string;
  name: string;
  shown: string;
  tenant: string;
  roles: string[];
  departments: string[];
  second_factor: boolean;
  recovery_codes: number;
  password: boolean;
  disabled: boolean;
  external: boolean;
  created_at: string;
  sessions?: number;
}

export interface Who {
  signed_in: boolean;
  /** Everyone may do everything: --no-auth. */
  open: boolean;
  name: string | null;
  roles: string[];
  actions: string[];
  person: Person | null;
  expires_at: string | null;
  set_up: boolean;
  providers: { name: string; label: string }[];
  second_factor_needed: boolean;
}

export interface Begun {
  person: Person;
  expires_at: string;
  second_factor_needed: boolean;
}

export interface OwnSession {
  id: string;
  agent: string;
  network: string;
  methods: string[];
  created_at: string;
  seen_at: string;
  this: boolean;
}

export interface OwnAccount extends Omit<Person, "sessions"> {
  passkeys: { id: string; name: string; created_at: string }[];
  sessions: OwnSession[];
}

export interface Client {
  id: string;
  name: string;
  redirects: string[];
  after_logout: string[];
  scopes: string[];
  roles: string[];
  public: boolean;
  trusted: boolean;
  created_at: string;
}
