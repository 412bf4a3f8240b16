#include "dns/zone_file.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

#include "dns/master_lexer.h"
#include "dns/zone_check.h"

namespace swb::dns {
namespace {

std::string upperCase(std::string_view text) {
    std::string upper(text);
    for (char& character : upper)
        if (character >= 'a' && character <= 'z') character = static_cast<char>(character - 32);
    return upper;
}

// 3600, 1h, 1h30m.
std::optional<uint32_t> ttlFromText(std::string_view text) {
    uint64_t total = 0;
    while (!text.empty()) {
        uint32_t number = 0;
        const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (problem != std::errc()) return {};
        text.remove_prefix(static_cast<size_t>(end - text.data()));
        uint64_t unit = 1;
        if (!text.empty()) {
            constexpr std::string_view letters = "smhdw";
            constexpr uint64_t seconds[] = {1, 60, 3600, 86400, 604800};
            const size_t letter = letters.find(static_cast<char>(lowerCase(static_cast<uint8_t>(text.front()))));
            if (letter == std::string_view::npos) return {};
            unit = seconds[letter];
            text.remove_prefix(1);
        }
        total += number * unit;
        if (total > ttlMax) return {};
    }
    return static_cast<uint32_t>(total);
}

// TYPE999 and CLASS999 are told from TTLs and names by their place, and by not being a number.
bool isClass(const std::string& word) {
    return word == "IN" || word == "CH" || word == "HS" || word == "CS" || word.starts_with("CLASS");
}

class MasterFileReader {
  public:
    MasterFileReader(std::string_view text, const Name& zone) : lexer_(text), zone_(zone), origin_(zone) {}

    Result<MasterFile> read() {
        MasterLine line;
        while (TRY(lexer_.next(line))) {
            auto done = line.tokens.front().raw.starts_with('$') && !line.startsBlank ? directive(line) : record(line);
            if (!done) return fail(done.error().within(place(line, at_)));
        }
        return finish();
    }

  private:
    struct Key {
        Name name;
        uint16_t type = 0;
        bool operator<(const Key& other) const {
            const int byName = compareCanonically(name, other.name);
            return byName != 0 ? byName < 0 : type < other.type;
        }
    };
    struct Entry {
        RecordSet set;
        size_t line = 0;
    };

    static std::string place(const MasterLine& line, size_t token) {
        const auto& positions = line.positions;
        const MasterLine::Position position = positions[std::min(token, positions.size() - 1)];
        return "line " + std::to_string(position.line) + ", column " + std::to_string(position.column);
    }
    static tl::unexpected<Error> bad(std::string why, std::string hint = {}) {
        return fail(ErrorCode::InvalidInput, std::move(why), std::move(hint));
    }

    Result<void> directive(const MasterLine& line) {
        at_ = 0;
        const std::string name = upperCase(line.tokens[0].raw);
        if (name == "$INCLUDE" || name == "$GENERATE")
            return bad(name + " is not read", "write out the records that it stands for");
        if (name != "$ORIGIN" && name != "$TTL") return bad(line.tokens[0].raw.substr(0, 40) + " is no directive");
        if (line.tokens.size() != 2) return bad(name + " takes one value");
        at_ = 1;
        if (name == "$ORIGIN") {
            origin_ = TRY(nameFromToken(line.tokens[1].raw, &origin_));
            return {};
        }
        const auto ttl = ttlFromText(line.tokens[1].raw);
        if (!ttl) return bad("\"" + line.tokens[1].raw.substr(0, 40) + "\" is no TTL");
        defaultTtl_ = *ttl;
        return {};
    }

    Result<void> record(const MasterLine& line) {
        at_ = 0;
        if (!line.startsBlank) {
            owner_ = TRY(nameFromToken(line.tokens[0].raw, &origin_));
            ++at_;
        } else if (!owner_) {
            return bad("the first record has no name");
        }
        std::optional<uint32_t> ttl;
        bool classSeen = false;
        std::string word;
        for (;; ++at_) {
            if (at_ == line.tokens.size()) return bad("the record has no type");
            word = upperCase(line.tokens[at_].raw);
            if (!classSeen && isClass(word)) {
                if (word != "IN" && word != "CLASS1") return bad("the class " + word.substr(0, 40) + " is not served");
                classSeen = true;
            } else if (const bool isNumber = word[0] >= '0' && word[0] <= '9'; !ttl && isNumber) {
                ttl = ttlFromText(word);
                if (!ttl) return bad("\"" + word.substr(0, 40) + "\" is no TTL");
            } else {
                break;
            }
        }
        const uint16_t type = TRY(typeFromText(word));
        if (const auto known = ttl ? ttl : defaultTtl_ ? defaultTtl_ : lastTtl_)
            lastTtl_ = known;
        else
            return bad("the record has no TTL, and no $TTL stands before it");
        ++at_;
        return add(line, type, *lastTtl_);
    }

    Result<void> add(const MasterLine& line, uint16_t type, uint32_t ttlSeconds) {
        Rdata data = TRY(rdataFromTokens(type, std::span(line.tokens).subspan(at_), &origin_));
        at_ = 0;
        const size_t number = line.positions.front().line;
        if (!owner_->view().isAtOrBelow(zone_))
            return bad(owner_->toText() + " is not inside the zone " + zone_.toText());
        const bool isApex = *owner_ == zone_;
        if (isSignerType(type)) return leaveOut(number, type, "the zone's signer makes its own");
        if (isApex && (type == type::soa || type == type::ns)) return leaveOut(number, type, "the zone makes its own");
        const auto [place, isNew] = sets_.try_emplace(Key{*owner_, type}, Entry{{type, ttlSeconds, {}}, number});
        RecordSet& set = place->second.set;
        if (isNew && sets_.size() > zoneRecordSetsMax)
            return fail(ErrorCode::TooLarge, "the zone has too many records");
        if (set.ttlSeconds != ttlSeconds)
            return bad(
                "the TTL is another than in line " + std::to_string(place->second.line) + " for the same record set",
                "all records of one name and type share one TTL (RFC 2181)");
        if (std::find(set.records.begin(), set.records.end(), data) != set.records.end()) return {};
        if (set.records.size() == recordsPerSetMax)
            return bad("the record set has more than " + std::to_string(recordsPerSetMax) + " records");
        set.records.push_back(std::move(data));
        return {};
    }

    Result<void> leaveOut(size_t line, uint16_t type, std::string_view why) {
        if (++file_.leftOutCount <= MasterFile::leftOutMax)
            file_.leftOut.push_back("line " + std::to_string(line) + ": the " + typeToText(type) + " record of " +
                                    owner_->toText() + " is left out: " + std::string(why));
        return {};
    }

    Result<MasterFile> finish() {
        std::vector<RecordSet> ofName;
        for (auto entry = sets_.begin(); entry != sets_.end(); ++entry) {
            ZoneRecordSet record{entry->first.name, entry->second.set};
            const std::string where = "line " + std::to_string(entry->second.line);
            if (auto checked = checkStaticSet(zone_, record); !checked) return fail(checked.error().within(where));
            if (file_.records.empty() || file_.records.back().name != record.name) ofName.clear();
            ofName.push_back({record.set.type, 0, {}});
            if (auto checked = checkNodeSets(record.name, ofName); !checked) return fail(checked.error().within(where));
            file_.records.push_back(std::move(record));
        }
        return std::move(file_);
    }

    MasterLexer lexer_;
    const Name zone_;
    Name origin_;
    std::optional<Name> owner_;
    std::optional<uint32_t> defaultTtl_, lastTtl_;
    size_t at_ = 0;  // the word that is being read, for errors
    std::map<Key, Entry> sets_;
    MasterFile file_;
};

}  // namespace

Result<MasterFile> readMasterFile(std::string_view text, const Name& origin) {
    if (text.size() > masterFileBytesMax) return fail(ErrorCode::TooLarge, "the zone file is larger than 32 MiB");
    return MasterFileReader(text, origin).read();
}

std::string masterFileText(const std::vector<ZoneRecordSet>& records) {
    std::string text;
    for (const ZoneRecordSet& record : records)
        for (const Rdata& data : record.set.records)
            text += record.name.toText() + ' ' + std::to_string(record.set.ttlSeconds) + " IN " +
                    typeToText(record.set.type) + ' ' + rdataToText(record.set.type, data) + '\n';
    return text;
}

}  // namespace swb::dns
