/* The value of an object as a short text: `5`, `"two"`, `[1, "two", <dict 4>]`.
 *
 * Invariants:
 *  - No recursion: what is open is a stack of at most DEPTH_MAX objects, allocated once.
 *  - An object that is open already is written as `<list …>`: cycles end.
 *  - At most `width` children of an object are visited, and nothing behind the end of the room.
 */
#include <string.h>

#include "model/object.h"

enum {
  DEPTH_MAX = 16,
  WIDTH_MAX = 10000,
  COUNTED_ROWS_MAX = 1 << 20, /* rows of a table that are counted for `<dict N>` */
  VALUE_DEPTH = 1,            /* of the texts in rows and records */
  VALUE_WIDTH = 8
};

/* An object whose children are being written. */
struct open_object {
  struct lens_held held;
  struct lens_slots it;
  uint32_t children; /* begun so far */
};

struct value_writer {
  lens *self;
  struct lens_writer *out;
  struct open_object *open; /* depth of them */
  uint32_t open_count, depth, width;
};

/* ---- scalars ---- */

/* The first field that is of one of two kinds, or NULL. */
static const struct lens_plain_field *first_field(const struct lens_type_model *type,
                                                  enum lens_field_kind kind,
                                                  enum lens_field_kind other) {
  for (uint32_t i = 0; i < type->shown.field_count; i++) {
    const struct lens_plain_field *field = &type->fields[i];
    if (field->kind == kind || field->kind == other) return field;
  }
  return NULL;
}

/* The field that is the value of a scalar; NULL: the display is none of a scalar, or the type does
 * not declare it. */
static const struct lens_plain_field *value_field(const struct lens_type_model *type) {
  switch (type->display) {
    case LENS_DISPLAY_BOOL:
      return first_field(type, LENS_FIELD_BOOL, LENS_FIELD_UINT);
    case LENS_DISPLAY_INT:
      return first_field(type, LENS_FIELD_SINT, LENS_FIELD_UINT);
    case LENS_DISPLAY_FLOAT:
      return first_field(type, LENS_FIELD_FLOAT, LENS_FIELD_FLOAT);
    case LENS_DISPLAY_STR:
      return first_field(type, LENS_FIELD_TEXT, LENS_FIELD_TEXT_POINTER);
    case LENS_DISPLAY_BYTES:
      return first_field(type, LENS_FIELD_BYTES, LENS_FIELD_BYTES);
    default:
      return NULL;
  }
}

static bool is_scalar(const struct lens_type_model *type) {
  return type->display >= LENS_DISPLAY_NONE && type->display <= LENS_DISPLAY_BYTES;
}

static lens_status write_scalar(lens *self, const struct lens_held *held, struct lens_writer *out) {
  const struct lens_type_model *type = held->type;
  const struct lens_plain_field *field = value_field(type);
  if (type->display == LENS_DISPLAY_NONE) {
    lens_write(out, "none");
  } else if (field == NULL) {
    lens_write(out, "<%s>", type->shown.name);
  } else {
    lens_status status = lens_write_field(self, held, field, out);
    if (status != LENS_UNREADABLE) return status;
    lens_write(out, "<%s, unreadable>", type->shown.name);
  }
  return LENS_OK;
}

/* ---- containers ---- */

static bool is_sequence(const struct lens_type_model *type) {
  return type->display >= LENS_DISPLAY_TUPLE && type->display <= LENS_DISPLAY_SET;
}

/* A container that is not opened: `<list 4>`, `<session>`. */
static lens_status write_closed(lens *self, const struct lens_held *held, struct lens_writer *out) {
  if (!is_sequence(held->type)) {
    lens_write(out, "<%s>", held->type->shown.name);
    return LENS_OK;
  }
  struct lens_slots it;
  struct lens_place_ref ref;
  uint64_t count = 0;
  bool table = held->type->display == LENS_DISPLAY_DICT || held->type->display == LENS_DISPLAY_SET;
  lens_held_slots(held, self, &it);
  while (count < COUNTED_ROWS_MAX && lens_slots_next(&it, &ref)) {
    if (table) {
      count += ref.part == 0 ? 1 : 0;
    } else { /* the elements of a list are counted without a look at them */
      count = it.count;
      break;
    }
  }
  lens_write(out, "<%s %llu%s>", held->type->shown.name, (unsigned long long)count,
             count >= COUNTED_ROWS_MAX && table ? "+" : "");
  return it.status;
}

static const char *opening(const struct lens_type_model *type) {
  switch (type->display) {
    case LENS_DISPLAY_TUPLE:
      return "(";
    case LENS_DISPLAY_LIST:
      return "[";
    case LENS_DISPLAY_DICT:
    case LENS_DISPLAY_SET:
      return "{";
    default:
      return "<";
  }
}

static void write_closing(struct lens_writer *out, const struct open_object *top) {
  const struct lens_type_model *type = top->held.type;
  switch (type->display) {
    case LENS_DISPLAY_TUPLE:
      lens_write(out, top->children == 1 ? ",)" : ")");
      break;
    case LENS_DISPLAY_LIST:
      lens_write(out, "]");
      break;
    case LENS_DISPLAY_DICT:
    case LENS_DISPLAY_SET:
      lens_write(out, "}");
      break;
    case LENS_DISPLAY_WEAKREF:
      lens_write(out, top->children == 0 ? ", gone>" : ">");
      break;
    case LENS_DISPLAY_CELL:
      lens_write(out, top->children == 0 ? ", empty>" : ">");
      break;
    default:
      lens_write(out, ">");
      break;
  }
}

/* The plain fields of a record or native object, as ` name=value`; they count as children. */
static lens_status write_fields(struct value_writer *writer, struct open_object *top) {
  const struct lens_type_model *type = top->held.type;
  for (uint32_t i = 0; i < type->shown.field_count && !writer->out->cut; i++) {
    if (top->children >= writer->width) return LENS_OK;
    top->children++;
    lens_write(writer->out, " %s=", type->fields[i].name);
    lens_status status = lens_write_field(writer->self, &top->held, &type->fields[i], writer->out);
    if (status == LENS_UNREADABLE) {
      lens_write(writer->out, "<unreadable>");
    } else if (status != LENS_OK) {
      return status;
    }
  }
  return LENS_OK;
}

static bool is_empty(lens *self, const struct lens_held *held) {
  struct lens_slots it;
  struct lens_place_ref ref;
  lens_held_slots(held, self, &it);
  return !lens_slots_next(&it, &ref) && it.status == LENS_OK;
}

/* Opens the object that lies at open[open_count]. */
static lens_status open_object(struct value_writer *writer) {
  struct open_object *top = &writer->open[writer->open_count++];
  const struct lens_type_model *type = top->held.type;
  top->children = 0;
  lens_held_slots(&top->held, writer->self, &top->it);
  if (type->display == LENS_DISPLAY_SET && is_empty(writer->self, &top->held)) {
    lens_write(writer->out, "<%s 0>", type->shown.name); /* {} is a dict */
    writer->open_count--;
    return LENS_OK;
  }
  lens_write(writer->out, "%s", opening(type));
  if (is_sequence(type)) return LENS_OK;
  lens_write(writer->out, "%s", type->shown.name);
  bool holds_one = type->display == LENS_DISPLAY_WEAKREF || type->display == LENS_DISPLAY_CELL;
  return holds_one ? LENS_OK : write_fields(writer, top);
}

/* ---- values ---- */

/* What to write for a reference to something that is no object. */
static const char *dangling_name(uint32_t place) {
  switch (place) {
    case LENS_PLACE_FREED:
    case LENS_PLACE_QUARANTINED:
    case LENS_PLACE_TOUCHED:
      return "<freed>";
    case LENS_PLACE_FRESH:
      return "<never used>";
    case LENS_PLACE_BUFFER:
      return "<buffer>";
    case LENS_PLACE_UNREADABLE:
      return "<unreadable>";
    default:
      return "<no object>";
  }
}

static bool is_open(const struct value_writer *writer, uint64_t address) {
  for (uint32_t i = 0; i < writer->open_count; i++) {
    if (writer->open[i].held.shown.address == address) return true;
  }
  return false;
}

/* Writes the value at `address`, or opens it. */
static lens_status write_one(struct value_writer *writer, uint64_t address) {
  struct open_object *next = &writer->open[writer->open_count];
  lens_status status = lens_object_hold(writer->self, address, &next->held);
  if (status == LENS_NOT_FOUND || status == LENS_UNREADABLE) {
    lens_location location;
    status = lens_locate(writer->self, address, &location);
    if (status == LENS_OK) lens_write(writer->out, "%s", dangling_name(location.place));
    return status;
  }
  if (status != LENS_OK) return status;
  const struct lens_type_model *type = next->held.type;
  if (type == NULL) {
    lens_write(writer->out, "<damaged object>");
    return LENS_OK;
  }
  if ((next->held.shown.state & LENS_STATE_DYING) != 0) {
    lens_write(writer->out, "<%s, dying>", type->shown.name);
    return LENS_OK;
  }
  if (type->shown.damaged != 0) {
    lens_write(writer->out, "<%s, damaged>", type->shown.name);
    return LENS_OK;
  }
  if (is_scalar(type)) return write_scalar(writer->self, &next->held, writer->out);
  if (is_open(writer, address)) {
    lens_write(writer->out, "<%s …>", type->shown.name);
    return LENS_OK;
  }
  if (writer->open_count >= writer->depth) {
    return write_closed(writer->self, &next->held, writer->out);
  }
  return open_object(writer);
}

/* What stands before a child: the separator, its name, the words of a weakref. */
static lens_status write_lead(struct value_writer *writer, const struct open_object *top,
                              const struct lens_place_ref *ref) {
  const struct lens_type_model *type = top->held.type;
  if (is_sequence(type)) {
    bool second = ref->part == 1 && top->children > 0;
    lens_write(writer->out, "%s", second ? ": " : top->children > 0 ? ", " : "");
    return LENS_OK;
  }
  if (type->display == LENS_DISPLAY_CELL) {
    lens_write(writer->out, " ");
    return LENS_OK;
  }
  if (type->display == LENS_DISPLAY_WEAKREF) {
    lens_object target;
    lens_status status = lens_object_at(writer->self, ref->target, &target);
    if (status != LENS_OK && status != LENS_NOT_FOUND && status != LENS_UNREADABLE) return status;
    bool named = status == LENS_OK && target.type != LENS_NONE;
    lens_write(writer->out, " to %s%s",
               named ? writer->self->model.types[target.type].shown.name : "", named ? " " : "");
    return LENS_OK;
  }
  const char *name = ref->slot == LENS_NONE ? "+" : type->slots[ref->slot].name;
  bool single = ref->slot != LENS_NONE && type->slots[ref->slot].shape == LENS_SHAPE_SINGLE;
  if (single) {
    lens_write(writer->out, " %s=", name);
  } else if (ref->slot == LENS_NONE) {
    lens_write(writer->out,
               " +0x%llx=", (unsigned long long)(ref->slot_address - top->held.shown.address));
  } else {
    lens_write(writer->out, " %s[%llu]=", name, (unsigned long long)ref->element);
  }
  return LENS_OK;
}

/* Writes the next child of the innermost open object, or closes it. */
static lens_status step(struct value_writer *writer) {
  struct open_object *top = &writer->open[writer->open_count - 1];
  struct lens_place_ref ref;
  bool more = lens_slots_next(&top->it, &ref);
  if (!more && top->it.status != LENS_OK) return top->it.status;
  bool is_value = more && ref.part == 1 && is_sequence(top->held.type);
  if (more && !is_value && top->children >= writer->width) {
    bool listed = is_sequence(top->held.type) && top->children > 0;
    lens_write(writer->out, "%s…", listed ? ", " : is_sequence(top->held.type) ? "" : " ");
    top->children = UINT32_MAX; /* a tuple that is cut gets no comma */
    more = false;
  }
  if (!more) {
    write_closing(writer->out, top);
    writer->open_count--;
    return LENS_OK;
  }
  lens_status status = write_lead(writer, top, &ref);
  if (status != LENS_OK) return status;
  if (!is_value) top->children++;
  return write_one(writer, ref.target);
}

lens_status lens_write_value(lens *self, uint64_t address, uint32_t depth, uint32_t width,
                             struct lens_writer *out) {
  struct value_writer writer = {.self = self,
                                .out = out,
                                .depth = depth < DEPTH_MAX ? depth : DEPTH_MAX,
                                .width = width < WIDTH_MAX ? width : WIDTH_MAX};
  /* One more than can be open: the one that is looked at. */
  writer.open = lens_alloc((writer.depth + 1) * sizeof *writer.open);
  if (writer.open == NULL) return lens_fail(self, LENS_NO_MEMORY, "out of memory");
  lens_status status = write_one(&writer, address);
  while (status == LENS_OK && writer.open_count > 0 && !out->cut) status = step(&writer);
  lens_dealloc(writer.open);
  return status;
}

lens_status lens_object_text(lens *self, uint64_t address, uint32_t depth, uint32_t width,
                             char *out, size_t bytes) {
  struct lens_writer writer;
  struct lens_held held;
  lens_status status = lens_object_hold(self, address, &held);
  if (status != LENS_OK) return status;
  status = lens_writer_begin(&writer, out, bytes);
  if (status != LENS_OK) return lens_fail(self, status, "no room for a text");
  return lens_write_value(self, address, depth, width, &writer);
}

lens_status lens_object_value(lens *self, uint64_t address, char *out) {
  return lens_object_text(self, address, VALUE_DEPTH, VALUE_WIDTH, out, LENS_VALUE_BYTES);
}
