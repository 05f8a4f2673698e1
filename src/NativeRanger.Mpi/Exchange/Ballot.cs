using System.Runtime.InteropServices;
using System.Text;

namespace NativeRanger.Mpi;

/// <summary>What a rank is about to do together with the others.</summary>
internal enum Operation
{
    Open,
    Close,
    Bind,
    AddAverage,
    Accumulate,
    Step,
    Synchronize,
    ExchangeWeights,
    Save,
    Resume,
    Barrier,
    Split,
}

/// <summary>What every rank tells every other before anything changes. All fields must be equal but the last two.</summary>
/// <remarks>Its layout is that of all versions: the first ballot of a communicator compares the versions.</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct Ballot
{
    /// <summary>An <see cref="Operation"/>.</summary>
    public long Operation;

    /// <summary>Which of the steppers on this communicator, in the order of binding.</summary>
    public long Stepper;

    /// <summary>The completed steps.</summary>
    public long Step;

    /// <summary>The rounds of micro-batches since the last step.</summary>
    public long Round;

    /// <summary>Names, shapes and options.</summary>
    public ulong Configuration;

    /// <summary>Learning rates, counters and what else belongs to this call.</summary>
    public ulong Call;

    /// <summary>Which parameters have a gradient; ranks may differ.</summary>
    public ulong Presence;

    /// <summary>1 where the rank refuses.</summary>
    public long Refused;

    public readonly bool Agrees(Ballot other) =>
        Operation == other.Operation
        && Stepper == other.Stepper
        && Step == other.Step
        && Round == other.Round
        && Configuration == other.Configuration
        && Call == other.Call
        && Refused == 0;
}

/// <summary>Who can put a ballot into words, one line for each thing that ranks may disagree on.</summary>
internal interface IVoter
{
    /// <summary>Lines "what: how", the same ones in the same order on ranks that agree.</summary>
    /// <param name="ballot">The rank's own ballot.</param>
    IEnumerable<string> Describe(Ballot ballot);
}

/// <summary>A hash of 64 bits that is the same on every machine: FNV-1a.</summary>
internal struct Fingerprint
{
    private ulong hash;

    public Fingerprint() => hash = 14695981039346656037;

    public readonly ulong Value => hash;

    public static ulong Of(string text)
    {
        var fingerprint = new Fingerprint();
        foreach (var value in Encoding.UTF8.GetBytes(text))
        {
            fingerprint.Add(value);
        }

        return fingerprint.Value;
    }

    public void Add(byte value) => hash = (hash ^ value) * 1099511628211;

    public void Add(long value)
    {
        for (var shift = 0; shift < 64; shift += 8)
        {
            Add((byte)(value >> shift));
        }
    }

    public void Add(double value) => Add(BitConverter.DoubleToInt64Bits(value));
}
