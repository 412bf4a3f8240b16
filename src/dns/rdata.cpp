#include "dns/rdata.h"

#include "dns/rdata_table.h"
#include "dns/service_parameters.h"
#include "dns/type_bitmap.h"

namespace swb::dns {
namespace {

// Copies one record's data field by field.
class DataReader {
  public:
    DataReader(WireReader reader, Rdata& out) : reader_(reader), out_(out) {}

    bool read(const TypeRow& row) {
        for (const Field field : row.fields) {
            if (field == Field::end) break;
            if (!readField(field)) return false;
        }
        return reader_.ok() && reader_.atEnd();
    }

  private:
    bool readField(Field field) {
        const size_t start = out_.size();
        switch (field) {
            case Field::end:
                return true;
            case Field::u8:
                return copy(1);
            case Field::u16:
            case Field::typeCode:
                return copy(2);
            case Field::u32:
            case Field::time:
            case Field::address4:
                return copy(4);
            case Field::address6:
                return copy(16);
            case Field::name:
            case Field::oldName:
                return copyName();
            case Field::string:
                return copyString();
            case Field::tag:
                return copyString() && isTag(std::string_view(out_).substr(start + 1));
            case Field::strings:
                do {
                    if (!copyString()) return false;
                } while (!reader_.atEnd());
                return true;
            case Field::text:
                return copyRest();
            case Field::hexadecimal:
            case Field::base64:
                return copyRest() && out_.size() > start;
            case Field::typeBitmap:
                return copyRest() && isTypeBitmapWellFormed(std::string_view(out_).substr(start));
            case Field::serviceParameters:
                return copyRest() && areServiceParametersWellFormed(std::string_view(out_).substr(start));
        }
        return false;
    }
    bool copy(size_t count) {
        const auto raw = reader_.bytes(count);
        out_.append(reinterpret_cast<const char*>(raw.data()), raw.size());
        return reader_.ok();
    }
    bool copyName() {
        NameBuffer name;
        reader_.name(name);
        if (reader_.ok()) out_ += name.view().wire();
        return reader_.ok();
    }
    bool copyString() {
        const size_t count = reader_.u8();
        out_ += static_cast<char>(count);
        return copy(count);
    }
    bool copyRest() { return copy(reader_.remaining()); }

    WireReader reader_;
    Rdata& out_;
};

}  // namespace

void writeRdata(WireWriter& writer, uint16_t type, std::string_view rdata) {
    switch (type) {
        case type::ns:
        case type::cname:
        case type::ptr:
            return writer.compressedName(nameInRdata(rdata));
        case type::mx:
            writer.bytes(rdata.substr(0, 2));
            return writer.compressedName(NameView(rdata.substr(2)));
        case type::soa: {
            WireReader reader({reinterpret_cast<const uint8_t*>(rdata.data()), rdata.size()});
            writer.compressedName(reader.plainName());
            writer.compressedName(reader.plainName());
            return writer.bytes(rdata.substr(reader.position()));
        }
        default:
            return writer.bytes(rdata);
    }
}

bool readRdata(std::span<const uint8_t> message, size_t position, size_t length, uint16_t type, Rdata& out) {
    // Names may point back to anywhere before, but nothing of the record may lie behind its end.
    if (position > message.size() || length > message.size() - position) return false;
    out.clear();
    if (const TypeRow* row = typeRow(type))
        return DataReader(WireReader(message.first(position + length), position), out).read(*row);
    out.assign(reinterpret_cast<const char*>(message.data()) + position, length);
    return true;
}

}  // namespace swb::dns
