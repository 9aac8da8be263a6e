/* Writes the seeds of the fuzz targets: seeds DIRECTORY makes
 * DIRECTORY/{core,contract,executable,moment,note,operations}/.
 *
 * They are made and not checked in, because they follow the vocabulary of the contract.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "../random.h"
#include "fakecore.h"
#include "lens.h"

static const char *directory;

static void make_directory(const char *name) {
  char path[512];
  snprintf(path, sizeof path, "%s%s%s", directory, name[0] == 0 ? "" : "/", name);
  if (mkdir(path, 0777) == 0 || errno == EEXIST) return;
  perror(path);
  exit(1);
}

static void write_seed(const char *name, const void *bytes, size_t count) {
  char path[512];
  snprintf(path, sizeof path, "%s/%s", directory, name);
  FILE *file = fopen(path, "wb");
  if (file == NULL || fwrite(bytes, 1, count, file) != count || fclose(file) != 0) {
    perror(path);
    exit(1);
  }
}

enum { STRONG = 33, WEAK = 34, SINGLE = 40, ARRAY = 41, TAIL = 42, TABLE = 43, OPAQUE = 64 };

/* Objects with slots of all shapes, a dying one, an opaque one, a large one, buffers. */
static void populate(struct fake *fake) {
  fake_page(fake, 1, 7, 96, 40, 1);
  fake_page(fake, 2, 7, 128, 32, 1);
  fake_page(fake, 3, 6, 2 * FAKE_PAGE_BYTES, 1, 2);
  fake_page(fake, 4, 5, 0, 0, 1);
  fake_type(fake, 1, "holder", 64, 0);
  fake_slot(fake, 1, (struct fake_slot){"next", STRONG, SINGLE, .offset = 8});
  fake_slot(fake, 1,
            (struct fake_slot){"items", STRONG, ARRAY, .offset = 16, .count_width = 2,
                               .count_offset = 24});
  fake_slot(fake, 1,
            (struct fake_slot){"rows", STRONG, TABLE, .offset = 32, .count_width = 1,
                               .count_offset = 26, .stride = 16, .value_offset = 8});
  fake_slot(fake, 1, (struct fake_slot){"seen", WEAK, SINGLE, .offset = 40, .tag_mask = 1});
  fake_slot(
      fake, 1,
      (struct fake_slot){"tail", STRONG, TAIL, .offset = 64, .count_width = 4, .count_offset = 28});
  fake_type(fake, 2, "opaque", 64, OPAQUE);
  for (uint32_t i = 0; i < 32; i++) {
    uint64_t at = fake_block(fake, 1, i);
    uint64_t buffer = fake_block(fake, 2, i);
    uint64_t state = i == 5 ? fake_dying : fake_live;
    if (i % 7 == 6) continue; /* free */
    fake_put(fake, at, fake_header(state, i % 3 == 2 ? 2 : 1, i == 5 ? 3 : 1), 8);
    fake_put(fake, at + 8, fake_base + fake_block(fake, 1, (i + 1) % 32), 8);
    fake_put(fake, at + 16, fake_base + buffer + 8, 8);
    fake_put(fake, at + 24, 3, 2);
    fake_put(fake, at + 28, 2, 4);
    fake_put(fake, at + 64, fake_base + fake_block(fake, 1, i / 2), 8);
    fake_put(fake, buffer, fake_live | fake_buffer, 8);
    fake_put(fake, buffer + 8, fake_base + fake_block(fake, 1, 0), 8);
  }
  fake_put(fake, fake_block(fake, 1, 9) + 32, fake_base + fake_block(fake, 3, 0) + 8, 8);
  fake_put(fake, fake_block(fake, 1, 9) + 26, 200, 1);
  fake_put(fake, fake_block(fake, 3, 0), fake_live | fake_buffer, 8);
  fake_put(fake, fake_block(fake, 3, 0) + 8, fake_base + fake_block(fake, 1, 1), 8);
  fake_tracking(fake, 11);
  fake_quarantine(fake, 0, 1, 6);
  fake_quarantine(fake, fake_record_at(1, 6), 1, 13);
}

static void write_module(void) {
  uint8_t module[512] = {0};
  Elf64_Ehdr head = {
      .e_type = ET_DYN, .e_phoff = 64, .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 2};
  memcpy(head.e_ident, ELFMAG, SELFMAG);
  head.e_ident[EI_CLASS] = ELFCLASS64;
  head.e_ident[EI_DATA] = ELFDATA2LSB;
  const Elf64_Phdr headers[] = {
      {.p_type = PT_LOAD, .p_vaddr = 0x1000, .p_memsz = sizeof module},
      {.p_type = PT_NOTE, .p_vaddr = 0x1000 + 256, .p_memsz = 28, .p_align = 4}};
  const Elf64_Nhdr note = {.n_namesz = sizeof CAIRN_NOTE_OWNER,
                           .n_descsz = CAIRN_NOTE_DESC_BYTES,
                           .n_type = CAIRN_NOTE_TYPE};
  memcpy(module, &head, sizeof head);
  memcpy(module + 64, headers, sizeof headers);
  memcpy(module + 256, &note, sizeof note);
  memcpy(module + 256 + sizeof note, CAIRN_NOTE_OWNER, sizeof CAIRN_NOTE_OWNER);
  write_seed("note/module", module, sizeof module);
  write_seed("note/bare", module + 256, 28);
}

/* A program whose code the core of fakecore.h lacks. */
static void write_program(void) {
  uint8_t program[0x1200];
  memset(program, 0xcc, sizeof program);
  Elf64_Ehdr head = {.e_type = ET_EXEC,
                     .e_machine = EM_X86_64,
                     .e_version = EV_CURRENT,
                     .e_entry = fakecore_text + 0x40,
                     .e_phoff = 64,
                     .e_ehsize = sizeof head,
                     .e_phentsize = sizeof(Elf64_Phdr),
                     .e_phnum = 1};
  const Elf64_Phdr header = {.p_type = PT_LOAD,
                             .p_flags = PF_R | PF_X,
                             .p_vaddr = fakecore_text,
                             .p_filesz = sizeof program,
                             .p_memsz = sizeof program,
                             .p_align = 4096};
  memcpy(head.e_ident, ELFMAG, SELFMAG);
  head.e_ident[EI_CLASS] = ELFCLASS64;
  head.e_ident[EI_DATA] = ELFDATA2LSB;
  head.e_ident[EI_VERSION] = EV_CURRENT;
  memcpy(program, &head, sizeof head);
  memcpy(program + 64, &header, sizeof header);
  write_seed("executable/fixed", program, sizeof program);
  head.e_type = ET_DYN;
  memcpy(program, &head, sizeof head);
  write_seed("executable/pie", program, sizeof program);
}

/* What random programs do, in each mode of fuzz_operations.c. */
static void write_operations(void) {
  static const uint8_t modes[][3] = {{0, 0, 10}, {0, 0, 60}, {2, 0, 20}, {2, 0, 200},
                                     {1, 0, 90}, {0, 3, 20}, {1, 5, 60}, {0, 1, 5}};
  uint64_t random = 88172645463325252u;
  for (size_t mode = 0; mode < sizeof modes / sizeof modes[0]; mode++) {
    uint8_t script[2400];
    for (size_t i = 0; i < sizeof script; i++) {
      script[i] = (uint8_t)(random_next(&random) >> 40);
    }
    memcpy(script, modes[mode], sizeof modes[mode]);
    char name[32];
    snprintf(name, sizeof name, "operations/%zu", mode);
    write_seed(name, script, sizeof script);
  }
}

/* The moment of a core, whose heap is tracked. */
static void write_moment(const struct fakecore *core) {
  char memory[32];
  char path[512];
  lens *self = NULL;
  lens_moment *moment = NULL;
  lens_moment_job *job = NULL;
  int fd = memory_file(core->bytes, sizeof core->bytes, memory);
  bool done = fd >= 0 && lens_new_core(memory, NULL, &self) == LENS_OK &&
              lens_model_load(self, 0) == LENS_OK &&
              lens_moment_take(self, 0, NULL, &moment) == LENS_OK;
  const lens_moment_origin origin = {.process = 100, .time = 1, .kind = "core", .label = "seed"};
  done = done && lens_moment_origin_set(moment, &origin) == LENS_OK;
  snprintf(path, sizeof path, "%s/moment/whole", directory);
  done = done && lens_moment_save(moment, path, &job) == LENS_OK &&
         lens_moment_job_step(job, 0, NULL) == LENS_OK;
  if (!done) {
    fprintf(stderr, "no moment: %s\n", job == NULL ? "" : lens_moment_job_error(job));
    exit(1);
  }
  lens_moment_job_free(job);
  lens_moment_free(moment);
  lens_free(self);
  close(fd);
}

int main(int argc, char **argv) {
  static struct fake fake;
  static struct fakecore core;
  if (argc != 2) {
    fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
    return 2;
  }
  directory = argv[1];
  make_directory("");
  make_directory("core");
  make_directory("contract");
  make_directory("executable");
  make_directory("note");
  make_directory("operations");
  make_directory("moment");
  fake_new(&fake);
  write_seed("contract/empty", fake.bytes, sizeof fake.bytes);
  populate(&fake);
  write_seed("contract/populated", fake.bytes, sizeof fake.bytes);
  fakecore_new(&core, &fake);
  write_seed("core/whole", core.bytes, sizeof core.bytes);
  write_seed("core/cut", core.bytes, FAKECORE_HEAP_AT + FAKE_ARENA + 0x300);
  write_moment(&core);
  write_program();
  write_module();
  write_operations();
  return 0;
}
