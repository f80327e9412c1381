#include "eval/capacity.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <span>
#include <utility>

#include "common/base/error.h"
#include "eval/capacity_score.h"
#include "eval/random.h"

namespace larimar::eval {
namespace {

using linalg::Index;
using linalg::Matrix;

std::vector<Index> first_facts(Index count) {
  std::vector<Index> facts(static_cast<std::size_t>(count));
  std::iota(facts.begin(), facts.end(), Index{0});
  return facts;
}

/// `count` different facts of N, or all, in an order drawn at random.
std::vector<Index> draw_facts(Index count, Index facts, Random& random) {
  std::vector<Index> all = first_facts(facts);
  const std::size_t wanted = static_cast<std::size_t>(std::min(count, facts));
  for (std::size_t i = 0; i < wanted; ++i) std::swap(all[i], all[i + random.below(all.size() - i)]);
  all.resize(wanted);
  return all;
}

Matrix unit_rows(const Matrix& keys) { return keys.rowwise().normalized(); }

/// The cells of one kind of memory over one key memory.
class Series {
 public:
  Series(const FactSet& set, const FactKeys& keys, MemoryKind kind, const CapacityOptions& options,
         model::CodeDecoder* decoder, std::vector<CapacityRow>& rows)
      : set_(set), keys_(keys), kind_(kind), options_(options), decoder_(decoder), rows_(rows) {}

  void measure(Index slots, std::span<const Index> facts, const std::function<void()>& done) {
    slots_ = slots;
    const bool stored = kind_ == MemoryKind::kStored;
    const Matrix written = takes_unit_keys(kind_) ? unit_rows(keys_.written) : keys_.written;
    const Matrix rephrased = takes_unit_keys(kind_) ? unit_rows(keys_.rephrased) : keys_.rephrased;
    std::optional<memory::Addresser> addresser;
    try {
      if (!stored) addresser.emplace(make_addresser(kind_, key_memory(written)));
    } catch (const base::NumericalError& error) {
      for (const Index count : facts) {
        start_cell(count);
        fail(error);
        done();
      }
      return;
    }
    const memory::Addresser* fixed = addresser ? &*addresser : nullptr;
    const AddressedKeys by_text(kind_, fixed, written);
    std::optional<AddressedKeys> by_question;
    if (rephrased.rows() > 0) by_question.emplace(kind_, fixed, rephrased);
    for (const Index count : facts) {
      start_cell(count);
      measure_cell(by_text, by_question ? &*by_question : nullptr);
      done();
    }
  }

 private:
  [[nodiscard]] Matrix key_memory(const Matrix& written) const {
    const std::string name = "key memory " + keys_.name + " " + std::to_string(slots_);
    const Matrix rows = draw_key_memory(written, slots_, options_.seed ^ hash_text(name));
    return takes_unit_keys(kind_) ? unit_rows(rows) : rows;
  }

  void start_cell(Index facts) {
    cell_ = {.source = set_.source,
             .keys = keys_.name,
             .memory = std::string(name_of(kind_)),
             .slots = kind_ == MemoryKind::kStored ? facts : slots_,
             .facts = facts};
  }

  void add(const std::string& asked, const std::string& measure, const Recall& recall) {
    CapacityRow row = cell_;
    row.asked = asked;
    row.measure = measure;
    row.recall = recall;
    rows_.push_back(std::move(row));
  }

  void fail(const base::NumericalError& error) {
    add("", "", {});
    rows_.back().status = "diverged";
    rows_.back().note = error.what();
  }

  void measure_cell(const AddressedKeys& by_text, const AddressedKeys* by_question) try {
    const Index facts = cell_.facts;
    const CodeIndex codes(set_.codes.topRows(facts));
    const auto memory = write_facts(by_text, codes.codes());
    const std::vector<Index> all = first_facts(facts);
    measure_reads("written", memory->read(by_text, all), all, codes);
    if (by_question != nullptr) {
      const std::vector<Index> asked = first_facts(std::min(facts, by_question->size()));
      measure_reads("rephrased", memory->read(*by_question, asked), asked, codes);
    }
    const bool forgets = kind_ == MemoryKind::kStored || 2 * facts == slots_ || facts == slots_ || facts == 2 * slots_;
    if (!forgets) return;
    memory->prepare_to_forget();
    forget_singly(*memory, by_text, codes);
    forget_tenth(*memory, by_text, codes);
  } catch (const base::NumericalError& error) {
    if (kind_ != MemoryKind::kBenCohen) throw;  // the others have no reason to diverge
    fail(error);
  }

  void measure_reads(const std::string& asked, const Matrix& reads, std::span<const Index> facts,
                     const CodeIndex& codes) {
    const ReadScores scores = codes.score(reads, facts);
    add(asked, "identified", scores.identified);
    add(asked, "recalled", scores.recalled);
    add(asked, "exact", scores.exact);
    if (asked == "written") add_decoded("decoded", reads, facts, codes);
  }

  /// The reads of those facts whose text their true code gives back, as text.
  void add_decoded(const std::string& measure, const Matrix& reads, std::span<const Index> facts,
                   const CodeIndex& codes) {
    if (decoder_ == nullptr || set_.tokens.empty()) return;
    Matrix known(reads.rows(), reads.cols());
    std::vector<std::size_t> owners;
    Recall right;
    for (std::size_t i = 0; i < facts.size(); ++i) {
      const std::size_t fact = static_cast<std::size_t>(facts[i]);
      if (fact >= set_.tokens.size() || set_.tokens[fact].empty()) continue;
      const Matrix read = reads.row(static_cast<Index>(i));
      if (codes.score(read, facts.subspan(i, 1)).recalled.hits == 0) {  // spares the decoder what is hopeless
        right.add(false);
        continue;
      }
      known.row(static_cast<Index>(owners.size())) = read.row(0);
      owners.push_back(fact);
    }
    const auto decoded = decode_codes(*decoder_, known.topRows(static_cast<Index>(owners.size())));
    for (std::size_t i = 0; i < owners.size(); ++i) right.add(decoded[i] == set_.tokens[owners[i]]);
    add("written", measure, right);
  }

  void forget_singly(const FactMemory& memory, const AddressedKeys& keys, const CodeIndex& codes) {
    Random random(options_.seed ^ hash_text("forget " + std::to_string(cell_.facts)));
    const Index wanted = memory.forgets_by_writing_anew() ? (options_.trials + 7) / 8 : options_.trials;
    // Facts that can be decoded, if any can: they stand first, and the order of the facts is random.
    const Index known = set_.tokens.empty() ? cell_.facts : static_cast<Index>(set_.tokens.size());
    const Index pool = std::min(cell_.facts, known);
    std::vector<Index> lost, kept;
    Matrix lost_reads(wanted, codes.codes().cols()), kept_reads(wanted * options_.retained, codes.codes().cols());
    for (const Index fact : draw_facts(wanted, pool, random)) {
      std::vector<Index> others = draw_facts(options_.retained + 1, pool, random);
      std::erase(others, fact);
      others.resize(std::min(others.size(), static_cast<std::size_t>(options_.retained)));
      const auto rest = memory.copy();
      rest->forget({&fact, 1});
      lost_reads.row(static_cast<Index>(lost.size())) = rest->read(keys, {&fact, 1});
      kept_reads.middleRows(static_cast<Index>(kept.size()), static_cast<Index>(others.size())) =
          rest->read(keys, others);
      lost.push_back(fact);
      kept.insert(kept.end(), others.begin(), others.end());
    }
    add_forgotten("forgotten", lost_reads.topRows(static_cast<Index>(lost.size())), lost, codes);
    add_forgotten("retained", kept_reads.topRows(static_cast<Index>(kept.size())), kept, codes);
  }

  void add_forgotten(const std::string& measure, const Matrix& reads, const std::vector<Index>& facts,
                     const CodeIndex& codes) {
    add("written", measure, codes.score(reads, facts).recalled);
    const Index some = std::min(reads.rows(), options_.trials);  // decoding costs more than all else
    add_decoded(measure + "_decoded", reads.topRows(some), std::span(facts).first(static_cast<std::size_t>(some)),
                codes);
  }

  void forget_tenth(const FactMemory& memory, const AddressedKeys& keys, const CodeIndex& codes) {
    Random random(options_.seed ^ hash_text("forget a tenth of " + std::to_string(cell_.facts)));
    const std::vector<Index> order = draw_facts(cell_.facts, cell_.facts, random);
    const std::size_t tenth = std::max<std::size_t>(1, order.size() / 10);
    const std::span<const Index> gone = std::span(order).first(tenth), others = std::span(order).subspan(tenth);
    const auto rest = memory.copy();
    rest->forget(gone);
    add("written", "forgotten_tenth", codes.score(rest->read(keys, gone), gone).recalled);
    add("written", "retained_tenth", codes.score(rest->read(keys, others), others).recalled);
  }

  const FactSet& set_;
  const FactKeys& keys_;
  MemoryKind kind_;
  const CapacityOptions& options_;
  model::CodeDecoder* decoder_;
  std::vector<CapacityRow>& rows_;
  Index slots_ = 0;
  CapacityRow cell_;
};

void check(const CapacityOptions& options) {
  for (const auto& [name, values] : {std::pair("slots K", &options.slots), std::pair("facts N", &options.facts)}) {
    if (values->empty() || std::ranges::min(*values) < 1)
      throw base::ConfigError(std::string("every number of ") + name + " must be at least 1");
  }
}

}  // namespace

std::uint64_t count_cells(const CapacityOptions& options, std::size_t key_kinds) {
  const std::size_t series = (all_memory_kinds().size() - 1) * options.slots.size() + 1;
  return key_kinds * series * options.facts.size();
}

std::vector<CapacityRow> measure_capacity(const FactSet& set, const CapacityOptions& options,
                                          model::CodeDecoder* decoder,
                                          const std::function<void(std::uint64_t)>& report) {
  check(options);
  std::vector<CapacityRow> rows;
  std::vector<Index> facts;
  std::uint64_t done = 0;
  for (const Index count : options.facts) {
    if (count <= set.codes.rows()) {
      facts.push_back(count);
      continue;
    }
    rows.push_back({.source = set.source, .facts = count});
    rows.back().status = "left out";
    rows.back().note = "there are only " + std::to_string(set.codes.rows()) + " facts";
    done += count_cells(options, set.keys.size()) / options.facts.size();
  }
  for (const FactKeys& keys : set.keys) {
    for (const MemoryKind kind : all_memory_kinds()) {
      Series series(set, keys, kind, options, decoder, rows);
      const std::vector<Index> once{0};
      for (const Index slots : kind == MemoryKind::kStored ? once : options.slots)
        series.measure(slots, facts, [&] { report(++done); });
    }
  }
  report(done);
  return rows;
}

}  // namespace larimar::eval
