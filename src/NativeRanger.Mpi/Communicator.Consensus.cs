using System.Runtime.InteropServices;
using System.Text;

namespace NativeRanger.Mpi;

public sealed unsafe partial class Communicator
{
    /// <summary>What a rank says about itself is cut to so many bytes.</summary>
    private const int LongestText = 1 << 16;

    private MessageBatch consensus = null!;
    private Ballot* ballots;
    private Ballot* own;
    private long* wordCount;
    private byte* words;
    private Operation current;
    private int steppers;

    /// <summary>
    /// Compares the ballots of all ranks. If all agree it returns, and otherwise all ranks throw the same exception: nobody must
    /// have changed anything yet.
    /// </summary>
    /// <param name="ballot">This rank's.</param>
    /// <param name="voter">Who can put it into words.</param>
    /// <param name="refusal">Why this rank cannot go on, or null.</param>
    /// <returns>Whether all ranks have the same <see cref="Ballot.Presence"/>.</returns>
    internal bool Agree(Ballot ballot, IVoter voter, Exception? refusal = null)
    {
        current = (Operation)ballot.Operation;
        ballot.Refused = refusal is null ? 0 : 1;
        *own = ballot;
        consensus.AllGather(own, sizeof(Ballot), ballots);
        consensus.Wait();

        var same = true;
        for (var rank = 0; rank < Size; rank++)
        {
            if (!ballots[rank].Agrees(*ballots))
            {
                throw Disagreement(rank, voter, refusal);
            }

            same &= ballots[rank].Presence == ballots->Presence;
        }

        return same;
    }

    /// <summary>Tells the other ranks that this one fails; throws what they throw.</summary>
    internal void Refuse(Operation operation, int stepper, Exception reason)
    {
        Enter();
        try
        {
            Agree(new() { Operation = (long)operation, Stepper = stepper }, NoWords.Instance, reason);
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>The number of a new stepper.</summary>
    internal int NextStepper() => steppers++;

    /// <summary>A few bytes of every rank, on every rank, in between.</summary>
    internal void AllGather(void* bytes, long length, void* everything)
    {
        consensus.AllGather(bytes, length, everything);
        consensus.Wait();
    }

    private void PrepareConsensus()
    {
        consensus = new(this);
        ballots = (Ballot*)NativeMemory.AllocZeroed((nuint)Size, (nuint)sizeof(Ballot));
        own = (Ballot*)NativeMemory.AllocZeroed(1, (nuint)sizeof(Ballot));
        wordCount = (long*)NativeMemory.AllocZeroed(1, sizeof(long));
        words = (byte*)NativeMemory.AllocZeroed(LongestText);
    }

    private void ReleaseConsensus()
    {
        NativeMemory.Free(ballots);
        NativeMemory.Free(own);
        NativeMemory.Free(wordCount);
        NativeMemory.Free(words);
        ballots = own = null;
        wordCount = null;
        words = null;
    }

    private void AgreeOnVersions(Versions versions) =>
        Agree(
            new()
            {
                Operation = (long)Operation.Open,
                Configuration = Fingerprint.Of(string.Join('\n', versions.Describe())),
            },
            versions
        );

    /// <summary>Finds out together what the first rank that does not agree with rank 0 has to say.</summary>
    private Exception Disagreement(int rank, IVoter voter, Exception? refusal)
    {
        var operation = (Operation)ballots[rank].Operation;
        var closes = operation == Operation.Close || (Operation)ballots->Operation == Operation.Close;
        Exception result;
        if (ballots[rank].Refused != 0)
        {
            var reason = Say(rank, refusal?.Message ?? "");
            result = new RankDisagreementException(
                rank,
                $"Rank {rank} cannot go on with {operation}: {reason} Nothing has changed on any rank.",
                rank == Rank ? refusal : null
            );
        }
        else
        {
            string[] lines = [Line("operation", current), Line("stepper", own->Stepper), .. voter.Describe(*own)];
            var text = string.Join('\n', lines);
            var expected = Say(0, text).Split('\n');
            var found = Say(rank, text).Split('\n');
            result = new RankDisagreementException(
                rank,
                $"Rank {rank} disagrees with rank 0: {Difference(expected, found)}. Nothing has changed on any rank.",
                null
            );
        }

        // A rank that has left cannot be spoken to again.
        return closes ? Fail(result) : result;
    }

    private static string Difference(string[] expected, string[] found)
    {
        for (var i = 0; i < Math.Max(expected.Length, found.Length); i++)
        {
            var there = i < found.Length ? found[i] : "nothing more";
            var here = i < expected.Length ? expected[i] : "nothing more";
            if (!string.Equals(there, here, StringComparison.Ordinal))
            {
                return $"\"{there}\" there, \"{here}\" on rank 0";
            }
        }

        return "their hashes differ";
    }

    private static string Line(string what, object how) => FormattableString.Invariant($"{what}: {how}");

    /// <summary>The words of one rank, on all.</summary>
    private string Say(int speaker, string text)
    {
        if (Rank == speaker)
        {
            var bytes = Encoding.UTF8.GetBytes(text).AsSpan();
            bytes = bytes[..Math.Min(bytes.Length, LongestText)];
            bytes.CopyTo(new Span<byte>(words, LongestText));
            *wordCount = bytes.Length;
        }

        consensus.Broadcast(wordCount, sizeof(long), speaker);
        consensus.Wait();
        consensus.Broadcast(words, *wordCount, speaker);
        consensus.Wait();
        return Encoding.UTF8.GetString(words, (int)*wordCount);
    }

    private sealed class NoWords : IVoter
    {
        public static NoWords Instance { get; } = new();

        public IEnumerable<string> Describe(Ballot ballot) => [];
    }
}
